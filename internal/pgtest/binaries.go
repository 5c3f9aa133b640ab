package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// ErrNotInstalled says that there is no PostgreSQL to start.
var ErrNotInstalled = errors.New("no PostgreSQL server is installed: run ./scripts/ensure postgres, " +
	"or set PGBIN to the directory of its initdb")

// binaries finds the directory of initdb, postgres and pg_ctl, as scripts/ensure does.
func binaries() (string, error) {
	if dir := os.Getenv("PGBIN"); dir != "" {
		if !complete(dir) {
			return "", fmt.Errorf("PGBIN=%s has not got all of initdb, postgres and pg_ctl: %w", dir, ErrNotInstalled)
		}
		return dir, nil
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(initdb); err == nil && complete(filepath.Dir(real)) {
			return filepath.Dir(real), nil
		}
	}
	for _, dir := range packaged() {
		if complete(dir) {
			return dir, nil
		}
	}
	return "", ErrNotInstalled
}

func complete(dir string) bool {
	return has(dir, "initdb") && has(dir, "postgres") && has(dir, "pg_ctl")
}

func has(dir, name string) bool {
	_, err := exec.LookPath(filepath.Join(dir, name))
	return err == nil
}

// packaged lists where packages put them, the newest version first.
func packaged() []string {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*",
		"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
	} {
		found, _ := filepath.Glob(pattern) // the patterns are well-formed
		dirs = append(dirs, found...)
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	return dirs
}

// version is the number in a path, which is its only one.
func version(path string) int {
	digits := []byte{}
	for _, c := range []byte(path) {
		switch {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
		case len(digits) > 0:
			n, _ := strconv.Atoi(string(digits)) // digits they are
			return n
		}
	}
	return 0
}
