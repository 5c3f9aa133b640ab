package pgxdbcompat_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var pg = pgtest.New(pgtest.Config{})

const connections = 2

// open makes a pool with a table, in a database of the test's own; schema may be nil.
func open(t testing.TB, mode pgx.QueryExecMode, schema *pgxdbcompat.Schema) *pgxpool.Pool {
	t.Helper()
	return reopen(t, pg.Database(t), mode, schema)
}

// reopen makes the table anew.
func reopen(t testing.TB, url string, mode pgx.QueryExecMode, schema *pgxdbcompat.Schema) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	config.MaxConns = connections
	config.ConnConfig.DefaultQueryExecMode = mode
	if schema != nil {
		schema.Watch(config)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	for _, sql := range []string{"DROP TABLE IF EXISTS users", "CREATE TABLE users (id int PRIMARY KEY, name text, age int, name2 text)", "INSERT INTO users VALUES (1, 'Ada', 36)"} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	return pool
}

// everywhere does something on all connections of a pool, one after the other, each of
// which is taken from the pool anew.
func everywhere(t testing.TB, pool *pgxpool.Pool, do func(context.Context, querier) error) []error {
	t.Helper()
	var errs []error
	var taken []*pgxpool.Conn
	for range connections {
		conn, err := pool.Acquire(t.Context())
		require.NoError(t, err)
		taken = append(taken, conn)
		if err := do(t.Context(), conn); err != nil {
			errs = append(errs, err)
		}
	}
	for _, conn := range taken {
		conn.Release()
	}
	return errs
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// statements are what a service runs.
var statements = []string{"SELECT * FROM users WHERE id = $1", "UPDATE users SET name = name WHERE id = $1 RETURNING *", "SELECT age FROM users WHERE id = $1"}

func runAll(ctx context.Context, q querier) error {
	var errs []error
	for _, sql := range statements {
		errs = append(errs, read(ctx, q, sql))
	}
	return errors.Join(errs...)
}

func read(ctx context.Context, q querier, sql string) error {
	rows, err := q.Query(ctx, sql, 1)
	if err != nil {
		return err
	}
	_, err = pgx.CollectRows(rows, pgx.RowToMap)
	return err
}

var modes = map[pgx.QueryExecMode]string{
	pgx.QueryExecModeCacheStatement: "0A000",
	pgx.QueryExecModeCacheDescribe:  "08P01",
	pgx.QueryExecModeDescribeExec:   "",
	pgx.QueryExecModeExec:           "",
	pgx.QueryExecModeSimpleProtocol: "",
}

// ddl are the changes that break prepared statements: of *, and of a list.
var ddl = map[string]string{
	"a column more":   "ALTER TABLE users ADD COLUMN display_name text",
	"a column less":   "ALTER TABLE users DROP COLUMN name2",
	"another type":    "ALTER TABLE users ALTER COLUMN age TYPE bigint",
	"names exchanged": "ALTER TABLE users RENAME COLUMN age TO years; ALTER TABLE users RENAME COLUMN name2 TO age",
}

func TestADDLCostsNoQuery(t *testing.T) {
	for mode, code := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			url := pg.Database(t)
			failed := map[string]bool{}
			for name, change := range ddl {
				t.Run(name, func(t *testing.T) {
					// Without: what this is about.
					for _, err := range everywhere(t, changed(t, url, mode, nil, change), runAll) {
						require.ErrorContains(t, err, "SQLSTATE "+code)
						failed[name] = true
					}

					// With Changed: nothing fails, so that there is nothing to do again.
					schema := new(pgxdbcompat.Schema)
					pool := changed(t, url, mode, schema, change)
					schema.Changed()
					require.Empty(t, everywhere(t, pool, runAll))

					// Without Changed: the first failure is noticed, in and outside of a
					// transaction.
					for what, do := range map[string]func(context.Context, *pgxdbcompat.Schema, *pgxpool.Pool) error{"Do": viaDo, "InTx": viaInTx} {
						schema = new(pgxdbcompat.Schema)
						pool = changed(t, url, mode, schema, change)
						require.NoError(t, do(t.Context(), schema, pool), what)
						require.Empty(t, everywhere(t, pool, runAll), "all connections know of it")
					}
				})
			}
			require.Equal(t, code != "", len(failed) > 0, "%v", failed)
		})
	}
}

// changed is a pool whose connections have all prepared the statements before a change.
func changed(t *testing.T, url string, mode pgx.QueryExecMode, schema *pgxdbcompat.Schema, change string) *pgxpool.Pool {
	t.Helper()
	pool := reopen(t, url, mode, schema)
	require.Empty(t, everywhere(t, pool, runAll))
	_, err := pool.Exec(t.Context(), change, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	return pool
}

// viaDo sends a batch, runs statements without reading what they return, which pgx itself
// does not come to know of, and queries.
func viaDo(ctx context.Context, schema *pgxdbcompat.Schema, pool *pgxpool.Pool) error {
	errs := []error{schema.Do(ctx, func(ctx context.Context) error {
		var batch pgx.Batch
		for _, sql := range statements {
			batch.Queue(sql, 1)
		}
		return pool.SendBatch(ctx, &batch).Close()
	})}
	for _, sql := range statements {
		errs = append(errs, schema.Do(ctx, func(ctx context.Context) error {
			_, err := pool.Exec(ctx, sql, 1)
			return err
		}), schema.Do(ctx, func(ctx context.Context) error { return read(ctx, pool, sql) }))
	}
	return errors.Join(errs...)
}

func viaInTx(ctx context.Context, schema *pgxdbcompat.Schema, pool *pgxpool.Pool) error {
	return schema.InTx(ctx, pool.Begin, dbcompat.Fixed(dbcompat.DualWrite), func(tx pgx.Tx, _ dbcompat.Stage) error {
		for _, sql := range statements {
			if err := read(ctx, tx, sql); err != nil {
				return fmt.Errorf("read: %w", err)
			}
		}
		return nil
	})
}

// A connection that was taken before the DDL does not pass the pool's hook.
func TestWhoHasItsConnectionAlready(t *testing.T) {
	schema := new(pgxdbcompat.Schema)
	pool := open(t, pgx.QueryExecModeCacheStatement, schema)
	require.Empty(t, everywhere(t, pool, runAll))
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = pool.Exec(t.Context(), ddl["a column more"])
	require.NoError(t, err)
	schema.Changed()
	calls := 0
	require.NoError(t, schema.Do(t.Context(), func(ctx context.Context) error {
		calls++
		return read(ctx, conn, statements[0])
	}))
	require.Equal(t, 2, calls)
	calls = 0
	require.NoError(t, schema.InTx(t.Context(), conn.Begin, dbcompat.Fixed(dbcompat.Old), func(tx pgx.Tx, _ dbcompat.Stage) error {
		calls++
		return read(t.Context(), tx, statements[1])
	}))
	require.Equal(t, 2, calls)
}

func TestDatabaseSQLOverAPool(t *testing.T) {
	schema := new(pgxdbcompat.Schema)
	pool := open(t, pgx.QueryExecModeCacheStatement, schema)
	db := stdlib.OpenDBFromPool(pool)
	defer func() { require.NoError(t, db.Close()) }()
	ask := func(ctx context.Context) error {
		rows, err := db.QueryContext(ctx, statements[0], 1)
		if err != nil {
			return err
		}
		for rows.Next() {
		}
		return errors.Join(rows.Err(), rows.Close())
	}
	require.NoError(t, ask(t.Context()))
	_, err := db.ExecContext(t.Context(), ddl["a column more"])
	require.NoError(t, err)
	require.ErrorContains(t, ask(t.Context()), "0A000")
	_, err = db.ExecContext(t.Context(), "ALTER TABLE users ADD COLUMN more text")
	require.NoError(t, err)
	require.NoError(t, schema.Do(t.Context(), ask))
}

// The hooks that were there are called as well, each connection forgets once for each
// change, and one that is closed is forgotten.
func TestWatchKeepsTheHooks(t *testing.T) {
	var diary []string
	config, err := pgxpool.ParseConfig(pg.Database(t))
	require.NoError(t, err)
	config.MaxConns = 1
	config.AfterConnect = func(context.Context, *pgx.Conn) error { diary = append(diary, "connect"); return nil }
	config.BeforeAcquire = func(context.Context, *pgx.Conn) bool { diary = append(diary, "acquire"); return true }
	closed := make(chan struct{})
	config.BeforeClose = func(*pgx.Conn) { close(closed) }
	schema := new(pgxdbcompat.Schema)
	schema.Watch(config)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	count := func() (n int) {
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_prepared_statements").Scan(&n))
		return n
	}
	require.Equal(t, 1, count(), "itself")
	_, err = pool.Exec(t.Context(), "SELECT $1::int", 1)
	require.NoError(t, err)
	require.Equal(t, 2, count())
	schema.Changed()
	schema.Changed()
	require.Equal(t, 1, count())
	_, err = pool.Exec(t.Context(), "SELECT $1::int", 1)
	require.NoError(t, err)
	require.Equal(t, 2, count(), "once for each change")
	pool.Close()
	<-closed
	require.Equal(t, "connect", diary[0])
	require.Subset(t, diary[1:], []string{"acquire"})
}

func TestAConnectionThatDidNotBecomeOneIsForgotten(t *testing.T) {
	config, err := pgxpool.ParseConfig(pg.Database(t))
	require.NoError(t, err)
	var refused weak.Pointer[pgx.Conn]
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		refused = weak.Make(conn)
		return errors.New("refused")
	}
	schema := new(pgxdbcompat.Schema)
	schema.Watch(config)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	require.ErrorContains(t, pool.Ping(t.Context()), "refused")
	pool.Close()
	require.Eventually(t, func() bool { runtime.GC(); return refused.Value() == nil }, time.Minute, time.Millisecond)
	runtime.KeepAlive(schema)
}

func TestWhatIsNoticed(t *testing.T) {
	schema := new(pgxdbcompat.Schema)
	tests := map[string]struct {
		err  error
		want bool
	}{
		"nothing":                    {nil, false},
		"another error":              {errors.New("x"), false},
		"a plan":                     {fmt.Errorf("read: %w", &pgconn.PgError{Code: "0A000", Routine: "RevalidateCachedQuery"}), true},
		"something not supported":    {&pgconn.PgError{Code: "0A000", Routine: "transformLockingClause"}, false},
		"a description":              {&pgconn.PgError{Code: "08P01", Routine: "PortalSetResultFormat"}, true},
		"another breach of protocol": {&pgconn.PgError{Code: "08P01", Routine: "exec_bind_message"}, false},
		"a column that is not there": {&pgconn.PgError{Code: "42703"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, schema.Noticed(test.err))
			calls := 0
			require.Equal(t, test.err, schema.Do(t.Context(), func(context.Context) error { calls++; return test.err }))
			require.Equal(t, map[bool]int{true: 2, false: 1}[test.want], calls, "and never a third time")
		})
	}
}
