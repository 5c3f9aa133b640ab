package walk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var pg = pgtest.New(pgtest.Config{})

// displayName is a rename.
var displayName = dbcompat.Columns{Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"}}

const (
	users = `CREATE TABLE users (id int PRIMARY KEY, name text, display_name text);
		INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 20) AS i;`
	usersName = "users-name"
)

// patient is short: what is refused in a test is to be refused soon.
var patient = walk.Config{Actor: "test", LockTimeout: 20 * time.Millisecond, Attempts: 2, Poll: time.Millisecond, Logger: slog.New(slog.DiscardHandler)}

// open connects to a database of the test's own.
func open(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// begin is a database with the table and the change.
func begin(t testing.TB, config walk.Config, options walk.Options) (*pgxpool.Pool, *walk.Walk) {
	t.Helper()
	pool := open(t, pg.Database(t))
	return pool, again(t, pool, config, options)
}

// again is the same in a database that has been used, which is quicker than to make one.
// Sessions that a test has named may still be on their way out.
func again(t testing.TB, pool *pgxpool.Pool, config walk.Config, options walk.Options) *walk.Walk {
	t.Helper()
	execute(t, pool, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> '';
		DROP SCHEMA IF EXISTS handover CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;`+users)
	w := walk.New(pool, usersName, config)
	require.NoError(t, w.Migrate(t.Context()))
	require.NoError(t, w.Create(t.Context(), displayName, options))
	return w
}

type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func execute(t testing.TB, db executor, sql string) {
	t.Helper()
	_, err := db.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err, sql)
}

// query returns the rows as PostgreSQL writes them.
func query(t testing.TB, pool *pgxpool.Pool, sql string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), "SELECT q::text FROM ("+sql+") AS q", pgx.QueryExecModeExec)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return all
}

// instance joins as package change does: at the change's stage and epoch.
func instance(t testing.TB, pool *pgxpool.Pool, name string, least, most dbcompat.Stage) {
	t.Helper()
	execute(t, pool, fmt.Sprintf(`INSERT INTO handover.change_instances (change, id, name, version, min_stage, max_stage, stage, epoch, expires_at)
		SELECT name, '%[1]s', '%[1]s', 'v1', %[2]d, %[3]d, stage, epoch, clock_timestamp() + '1 hour' FROM handover.changes`, name, least, most))
}

// acknowledge is that of some instances, or of all.
func acknowledge(t testing.TB, pool *pgxpool.Pool, names ...string) {
	t.Helper()
	where := ""
	if len(names) > 0 {
		where = "AND i.id IN ('" + strings.Join(names, "', '") + "')"
	}
	execute(t, pool, `UPDATE handover.change_instances i SET stage = c.stage, epoch = c.epoch FROM handover.changes c WHERE c.name = i.change `+where)
}

// lapse has an instance be silent since a second.
func lapse(t testing.TB, pool *pgxpool.Pool, name string) {
	t.Helper()
	execute(t, pool, "UPDATE handover.change_instances SET expires_at = clock_timestamp() - interval '1 s' WHERE id = '"+name+"'")
}

// fill fills and verifies.
func fill(t testing.TB, w *walk.Walk) {
	t.Helper()
	b, err := w.Backfill(t.Context(), backfill.Config{})
	require.NoError(t, err)
	require.NoError(t, b.Run(t.Context()))
	v, err := w.Verify(t.Context(), backfill.Config{})
	require.NoError(t, err)
	require.Zero(t, v.Mismatches)
}

// to walks there from Old, with nobody who has joined, or with all who have at once.
func to(t testing.TB, pool *pgxpool.Pool, w *walk.Walk, stage dbcompat.Stage) {
	t.Helper()
	for s := dbcompat.DualWrite; s <= stage; s++ {
		if s == dbcompat.ReadNew {
			fill(t, w)
		}
		require.NoError(t, w.Advance(t.Context(), s))
		acknowledge(t, pool)
		require.NoError(t, w.Wait(t.Context()))
	}
}

// missing is what an error lacks, a line for each; or the error, or "" if there is none.
func missing(err error) string {
	if notReady, ok := errors.AsType[*walk.NotReadyError](err); ok {
		lines := make([]string, len(notReady.Missing))
		for i, m := range notReady.Missing {
			lines[i] = m.String()
		}
		return strings.Join(lines, "\n")
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// events are what has happened, the oldest first.
func events(t testing.TB, w *walk.Walk) []string {
	t.Helper()
	all, err := w.Events(t.Context(), 0)
	require.NoError(t, err)
	lines := make([]string, len(all))
	for i, e := range all {
		line := e.What
		if e.From != e.To {
			for _, s := range []dbcompat.Stage{e.From, e.To} {
				if s != 0 {
					line += " " + s.String()
				}
			}
		}
		lines[len(all)-1-i] = line
	}
	return lines
}
