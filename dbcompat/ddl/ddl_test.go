package ddl_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat/ddl"
	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

// pg has no autovacuum, which would be in the way at times.
var pg = pgtest.New(pgtest.Config{Settings: map[string]string{"autovacuum": "off"}})

// impatient is for tests in which somebody is in the way.
var impatient = ddl.Config{LockTimeout: 50 * time.Millisecond, ConcurrentTimeout: 50 * time.Millisecond, Attempts: 2, Pause: -1, Logger: silent}

var silent = slog.New(slog.DiscardHandler)

// users is a table with rows.
const users = `CREATE TABLE users (id bigint PRIMARY KEY, name text, team int);
	INSERT INTO users SELECT i, 'name ' || i, i % 3 FROM generate_series(1, 100) AS i;
	CREATE TABLE teams (id int PRIMARY KEY); INSERT INTO teams VALUES (0), (1), (2)`

// open makes a pool of n connections.
func open(t testing.TB, url string, n int32) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	config.MaxConns = n
	config.ConnConfig.RuntimeParams["application_name"] = "tests"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// fresh makes a database in which that has been executed.
func fresh(t testing.TB, sql string) *pgxpool.Pool {
	t.Helper()
	pool := open(t, pg.Database(t), 6)
	execute(t, pool, sql)
	return pool
}

// again has a database forget all but this.
func again(t testing.TB, pool *pgxpool.Pool, sql string) {
	t.Helper()
	execute(t, pool, "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"+sql)
}

func execute(t testing.TB, pool *pgxpool.Pool, sql string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err, sql)
}

// query returns the rows, the columns of each with spaces between.
func query(t testing.TB, pool *pgxpool.Pool, sql string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql, pgx.QueryExecModeExec)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.TrimSpace(fmt.Sprintln(values...)), err
	})
	require.NoError(t, err, sql)
	return all
}

// version is the server's.
func version(t testing.TB, pool *pgxpool.Pool) (v int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int / 10000").Scan(&v))
	return v
}

// state is all that the catalog says of users, the names of which are known.
func state(t testing.TB, pool *pgxpool.Pool) []string {
	t.Helper()
	return query(t, pool, `
		SELECT 'column ' || attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END
			|| coalesce(' default ' || pg_get_expr(adbin, adrelid), '') || coalesce(' comment ' || col_description(attrelid, attnum), '')
		FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
		WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped
		UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'users'::regclass AND contype <> 'n'
		UNION ALL SELECT pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' invalid' END FROM pg_index WHERE indrelid = 'users'::regclass
		ORDER BY 1`)
}

// changed is what one has and the other has not.
func changed(before, after []string) []string {
	count := map[string]int{}
	for _, line := range before {
		count[line]--
	}
	for _, line := range after {
		count[line]++
	}
	var all []string
	for _, line := range before {
		if count[line] < 0 {
			all = append(all, "- "+line)
		}
	}
	for _, line := range after {
		if count[line] > 0 {
			all = append(all, "+ "+line)
		}
	}
	return all
}

// diary is a logger's handler that does something at each record.
type diary struct {
	slog.Handler
	at func(message string)
}

func (d diary) Enabled(context.Context, slog.Level) bool { return true }

func (d diary) WithAttrs([]slog.Attr) slog.Handler { return d }

func (d diary) Handle(_ context.Context, r slog.Record) error {
	d.at(r.Message)
	return nil
}

// hold begins a transaction that has done something, and returns what ends it.
func hold(t testing.TB, pool *pgxpool.Pool, options pgx.TxOptions, sql string) (end func()) {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), options)
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), sql)
	require.NoError(t, err)
	ended := false
	end = func() {
		if !ended {
			ended = true
			_ = tx.Rollback(context.WithoutCancel(t.Context()))
		}
	}
	t.Cleanup(end) // before the pool is closed
	return end
}
