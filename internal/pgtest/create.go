package pgtest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// create makes the directory, with everything that a server needs. What it leaves
// behind with an error, remove removes.
func (s *Server) create(ctx context.Context) error {
	var err error
	if s.bin, err = binaries(); err != nil {
		return err
	}
	if s.dir, err = directory(); err != nil {
		return err
	}
	if s.guard, err = watch(s.bin, s.dir); err != nil {
		return err
	}
	if s.primary == nil {
		err = s.run(ctx, "initdb", "-D", s.data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	} else {
		err = s.follow(ctx)
	}
	if err != nil {
		return err
	}
	return s.configure()
}

// follow copies the primary. -R has the copy follow it.
func (s *Server) follow(ctx context.Context) error {
	if err := s.primary.Start(ctx); err != nil {
		return err
	}
	if !has(s.bin, "pg_basebackup") {
		return fmt.Errorf("there is no pg_basebackup in %s, which a standby is made with: %w", s.bin, ErrNotInstalled)
	}
	return s.run(ctx, "pg_basebackup", "-D", s.data(), "-d", s.primary.URL(), "-R", "-c", "fast", "--no-sync")
}

// configure appends to the settings of initdb, or of the primary: the last one holds.
func (s *Server) configure() error {
	settings := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": s.dir,
		"fsync":                   "off",
		"full_page_writes":        "off",
	}
	maps.Copy(settings, s.config.Settings)
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&lines, "%s = '%s'\n", name, strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(settings[name]))
	}
	file, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = file.WriteString(lines.String())
	return err
}

// directory makes the one of a server, for the user that it will run as.
func directory() (string, error) {
	parent := os.TempDir()
	if len(parent) > 60 {
		parent = "/tmp" // the address of a socket is 104 bytes at the most, on some systems
	}
	dir, err := os.MkdirTemp(parent, "pgtest-")
	if err != nil {
		return "", err
	}
	if uid, gid, ok := unprivileged(); ok {
		err = os.Chown(dir, uid, gid)
	}
	return dir, err
}

// unprivileged is whom root lets run a server.
func unprivileged() (uid, gid int, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if uidErr == nil && gidErr == nil {
			return uid, gid, true
		}
	}
	return 0, 0, false
}
