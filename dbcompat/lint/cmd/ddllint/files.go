package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/handover-go/handover/dbcompat/lint"
)

// look reads all files and looks at them in turn, since each parser at work
// costs two seconds to start.
func look(ctx context.Context, o options, stdin io.Reader) ([]lint.Finding, error) {
	files, err := names(ctx, o)
	if err != nil {
		return nil, err
	}
	var all []lint.Finding
	for _, file := range files {
		src, err := read(file, stdin)
		if err != nil {
			return nil, err
		}
		o.config.Name = file
		findings, err := lint.SQL(string(src), o.config)
		if err != nil {
			return nil, err
		}
		all = append(all, findings...)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func read(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}

// names lists the files once each; a directory stands for the *.sql below it.
func names(ctx context.Context, o options) ([]string, error) {
	var all []string
	for _, path := range o.paths {
		more, err := below(ctx, path, o.since)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(name string) bool {
		was := seen[name]
		seen[name] = true
		return was
	}), nil
}

func below(ctx context.Context, path, since string) ([]string, error) {
	if path == "-" {
		if since != "" {
			return nil, errors.New("-since and - do not go together: the standard input has no history")
		}
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	dir, only := path, ""
	if !info.IsDir() {
		dir, only = filepath.Split(path)
		dir = filepath.Clean(dir)
	}
	if since != "" {
		return added(ctx, dir, only, since)
	}
	if only != "" {
		return []string{path}, nil
	}
	var all []string
	err = filepath.WalkDir(path, func(name string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && isSQL(name) {
			all = append(all, name)
		}
		return err
	})
	return all, err
}

func isSQL(name string) bool { return strings.EqualFold(filepath.Ext(name), ".sql") }

// added asks git what is new below dir, committed or not. A file that was
// renamed is not new.
func added(ctx context.Context, dir, only, since string) ([]string, error) {
	commit, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", since+"^{commit}")
	if err != nil || len(commit) == 0 {
		return nil, fmt.Errorf("-since %s: git knows no such revision in %s", since, dir)
	}
	diff, err := git(ctx, dir, "diff", "--name-only", "--relative", "-z", "--diff-filter=A", "-M", strings.TrimSpace(commit[0]), "--", ".")
	if err != nil {
		return nil, err
	}
	untracked, err := git(ctx, dir, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
	if err != nil {
		return nil, err
	}
	var all []string
	for _, name := range append(diff, untracked...) {
		if only == "" && isSQL(name) || only != "" && name == only {
			all = append(all, filepath.Join(dir, name))
		}
	}
	slices.Sort(all)
	return all, nil
}

func git(ctx context.Context, dir string, args ...string) ([]string, error) {
	var stderr bytes.Buffer
	command := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s in %s: %w: %s", args[0], dir, err, strings.TrimSpace(stderr.String()))
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }), nil
}
