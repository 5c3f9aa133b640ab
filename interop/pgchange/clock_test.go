//go:build unix

package pgchange_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pgtest"
)

// An instance meets the others in the database only, so it is enough that each is an hour
// away from that: two on either side of it are two hours apart. It is the server whose
// clock is moved, as libfaketime does not reach a Go program, which asks the kernel.
func TestWallClocksThatDiffer(t *testing.T) {
	for name, seconds := range map[string]int{"the server's is an hour ahead": 3600, "the server's is an hour behind": -3600} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PGBIN", moved(t, seconds))
			url := pgtest.New(pgtest.Config{}).For(t).Database(t)
			var there time.Time
			ask(t, url, "SELECT clock_timestamp()", &there)
			require.InDelta(t, seconds, time.Until(there).Seconds(), 60)

			require.Equal(t, whole, walkThrough(t, url))
		})
	}
}

func ask(t *testing.T, url, sql string, into any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(into))
}

// moved is a directory of PostgreSQL's programs with another clock. The monotonic one is
// left alone.
func moved(t *testing.T, seconds int) string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"/usr/lib*/faketime/libfaketime.so.1", "/usr/lib/*/faketime/libfaketime.so.1"} {
		more, err := filepath.Glob(pattern)
		require.NoError(t, err)
		found = append(found, more...)
	}
	if len(found) == 0 {
		installed(t, "faketime", os.ErrNotExist)
	}
	var bin string
	ask(t, pgtest.New(pgtest.Config{}).For(t).URL(), "SELECT setting FROM pg_config WHERE name = 'BINDIR'", &bin)
	dir, err := os.MkdirTemp("", "moved-") //nolint:usetesting // the server is somebody else's if this is root's
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	for _, program := range []string{"initdb", "pg_ctl", "postgres"} {
		script := fmt.Sprintf("#!/bin/sh\nLD_PRELOAD=%s FAKETIME=%+d FAKETIME_DONT_FAKE_MONOTONIC=1 exec %s \"$@\"\n", found[0], seconds, filepath.Join(bin, program))
		require.NoError(t, os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755))
	}
	return dir
}
