//go:build unix

package pgchange_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pgtest"
)

// pooled is how many sessions the pooler has: fewer than its clients.
const pooled = 5

const config = `[databases]
* = host=%[1]s user=postgres
[pgbouncer]
pool_mode = transaction
default_pool_size = %[3]d
auth_type = any
listen_port = 6432
unix_socket_dir = %[2]s
`

// throughPgBouncer starts one in front of a server, and returns the URL of the same
// database behind it.
func throughPgBouncer(t *testing.T, direct string) string {
	t.Helper()
	path := find(t, "pgbouncer", "/usr/sbin/pgbouncer")
	u, err := url.Parse(direct)
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "pgbouncer-") //nolint:usetesting // it does not run as root, who may have made this
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o777))
	file := filepath.Join(dir, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, config, u.Query().Get("host"), dir, pooled), 0o644))

	args := []string{file}
	if os.Geteuid() == 0 {
		args = append(args, "-u", "postgres")
	}
	var output bytes.Buffer
	// It is killed with its shell's group when the pipe ends, as it does with this test.
	cmd := exec.Command("/bin/sh", append([]string{"-c", `(read _ <&3; kill -9 0) >/dev/null 2>&1 & exec "$0" "$@" 3<&-`, path}, args...)...)
	watched, alive, err := os.Pipe()
	require.NoError(t, err)
	cmd.ExtraFiles, cmd.SysProcAttr = []*os.File{watched}, &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	require.NoError(t, watched.Close())
	t.Cleanup(func() {
		require.NoError(t, alive.Close())
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Log(output.String())
		}
	})
	u.RawQuery = url.Values{"host": {dir}, "port": {"6432"}}.Encode()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, u.String())
		return err == nil && conn.Close(ctx) == nil
	}, patience, 20*time.Millisecond, "it answers")
	return u.String()
}

// find is a program of the system's.
func find(t *testing.T, name, file string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath(file)
	}
	installed(t, name, err)
	return path
}

// installed skips the test if it has to do without, unless it is one that counts.
func installed(t *testing.T, name string, err error) {
	t.Helper()
	if err != nil && os.Getenv("CI") != "true" {
		t.Skipf("%[1]s is not installed; `make %[1]s` installs it", name)
	}
	require.NoError(t, err)
}

func TestThroughPgBouncer(t *testing.T) {
	direct := pgtest.New(pgtest.Config{}).For(t).Database(t)
	t.Run("a walk", func(t *testing.T) { // at its end there is no pooler, nor its sessions
		require.Equal(t, whole, walkThrough(t, throughPgBouncer(t, direct)))
		var sessions int
		ask(t, direct, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`, &sessions)
		require.Positive(t, sessions)
		require.LessOrEqual(t, sessions, pooled, "they were shared")
	})
}
