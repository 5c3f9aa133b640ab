package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/pgtest"
)

// asCommand makes this test binary the command.
const asCommand = "HANDOVER_CHANGE_AS_COMMAND"

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck))
}

var pg = pgtest.New(pgtest.Config{})

// told is what the command prints, and its exit status.
func told(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(ctx, args, &out, &errs)
	return code, out.String(), errs.String()
}

// process is the command as one of its own, for a database. Its standard error is read by
// the test.
func process(t *testing.T, url string, args ...string) (*exec.Cmd, io.Reader, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1", "DATABASE_URL="+url)
	var out bytes.Buffer
	cmd.Stdout = &out
	errs, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, errs, &out
}

// ends reads the rest, and returns the exit status.
func ends(t *testing.T, cmd *exec.Cmd, errs io.Reader) (int, string) {
	t.Helper()
	text, err := io.ReadAll(errs)
	require.NoError(t, err)
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(text)
	}
	require.NoError(t, err)
	return 0, string(text)
}

// ran is one from its beginning to its end.
func ran(t *testing.T, url string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd, errs, out := process(t, url, args...)
	code, stderr = ends(t, cmd, errs)
	return code, out.String(), stderr
}

func execute(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err, sql)
}

const users = `CREATE TABLE users (id int PRIMARY KEY, name text, display_name text);
	INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 200) AS i`

// begun is a database with the change.
func begun(t *testing.T) (string, *pgxpool.Pool) {
	t.Helper()
	url := pg.Database(t)
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	execute(t, pool, users)
	for _, args := range [][]string{
		{"migrate"},
		{"create", "-change", "users-name", "-table", "users", "-old", "name", "-new", "display_name"},
	} {
		code, _, errs := told(t.Context(), append(args, "-database", url)...)
		require.Zero(t, code, errs)
	}
	return url, pool
}

// join is an instance that is played by its row.
func join(t *testing.T, pool *pgxpool.Pool, name string) {
	t.Helper()
	execute(t, pool, `INSERT INTO handover.change_instances (change, id, name, version, min_stage, max_stage, stage, epoch, expires_at)
		SELECT name, '`+name+`', '`+name+`', 'v1', 1, 4, stage, epoch, clock_timestamp() + '1 hour' FROM handover.changes`)
}

const acknowledge = `UPDATE handover.change_instances i SET stage = c.stage, epoch = c.epoch FROM handover.changes c WHERE c.name = i.change`
