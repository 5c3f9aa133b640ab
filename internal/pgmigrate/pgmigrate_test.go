package pgmigrate_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/pgmigrate"
	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var pg = pgtest.New(pgtest.Config{})

const (
	first = `DO $$ BEGIN
	IF to_regnamespace('"handover"') IS NULL THEN CREATE SCHEMA "handover"; END IF;
END $$;
CREATE TABLE "handover".versions (version int PRIMARY KEY);
CREATE TABLE "handover".notes (note text);
INSERT INTO "handover".versions VALUES (1);`
	second = `INSERT INTO "handover".notes VALUES ('handover, "handover" and "handed over"');
INSERT INTO "handover".versions VALUES (2);`
	broken = `INSERT INTO "handover".notes VALUES ('lost'); SELECT 1/0;`
)

// set is the files up to a number; the tenth one's name sorts before the second's, if
// numbers are not filled up with zeros.
func set(files ...string) pgmigrate.Set {
	all := fstest.MapFS{"sql/README.md": {Data: []byte("no migration")}}
	for i, name := range []string{"sql/0001_tables.sql", "sql/0002_notes.sql"}[:len(files)] {
		all[name] = &fstest.MapFile{Data: []byte(files[i])}
	}
	return pgmigrate.Set{Files: all, Schema: `"hand over"`, Table: "versions"}
}

func open(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), pg.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func notes(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT note FROM "hand over".notes`)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return all
}

func version(t *testing.T, s pgmigrate.Set, pool *pgxpool.Pool) int {
	t.Helper()
	v, err := s.Version(t.Context(), pool)
	require.NoError(t, err)
	return v
}

func TestEachFileIsAppliedOnce(t *testing.T) {
	pool := open(t)
	require.Zero(t, version(t, set(first), pool), "of nothing")
	for _, s := range []pgmigrate.Set{set(first), set(first), set(first, second), set(first, second), set(first)} {
		require.NoError(t, s.Apply(t.Context(), pool))
		require.GreaterOrEqual(t, version(t, s, pool), s.Latest())
	}
	require.Equal(t, []string{`handover, "hand over" and "handed over"`}, notes(t, pool), "the name in quotes is the schema, wherever it stands")
}

func TestWhatFailsLeavesNothing(t *testing.T) {
	pool := open(t)
	require.ErrorContains(t, set(first, broken).Apply(t.Context(), pool), "0002_notes.sql: ERROR: division by zero")
	require.Zero(t, version(t, set(first), pool), "the first one is of the same transaction")
	require.NoError(t, set(first, second).Apply(t.Context(), pool))
}

func TestManyThatStartAtOnce(t *testing.T) {
	pool := open(t)
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = set(first, second).Apply(t.Context(), pool) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, notes(t, pool), 1)
}

// A role may have its own idea of what a transaction is.
func TestTheSessionsDefaultsAreOfNoConcern(t *testing.T) {
	pool := open(t)
	config := pool.Config().Copy()
	config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	config.ConnConfig.RuntimeParams["search_path"] = "nowhere"
	odd, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer odd.Close()
	require.NoError(t, set(first, second).Apply(t.Context(), odd))
}

func TestNothingToDoNeedsNoRights(t *testing.T) {
	pool := open(t)
	require.NoError(t, set(first).Apply(t.Context(), pool))
	for _, sql := range []string{"CREATE ROLE reader LOGIN", `GRANT USAGE ON SCHEMA "hand over" TO reader`, `GRANT SELECT ON "hand over".versions TO reader`} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		_, err := pool.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY reader; DROP ROLE reader", pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	})
	config := pool.Config().Copy()
	config.ConnConfig.User = "reader"
	reader, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer reader.Close()
	require.NoError(t, set(first).Apply(t.Context(), reader))
	require.ErrorContains(t, set(first, second).Apply(t.Context(), reader), "permission denied")
}

func TestFilesForAnotherTool(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, set(first).Export(dir))
	require.NoError(t, set(first, second).Export(dir), "what is there is left as it is")
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "0001_tables.sql"), filepath.Join(dir, "0002_notes.sql")}, names)

	// Applied by somebody else, they are applied.
	pool := open(t)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		_, err = pool.Exec(t.Context(), string(text), pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	}
	require.Equal(t, 2, version(t, set(), pool))
	require.NoError(t, set(first, second).Apply(t.Context(), pool))

	require.NoError(t, os.WriteFile(names[0], []byte("-- ours"), 0o666))
	require.ErrorContains(t, set(first, second).Export(dir), "0001_tables.sql has other contents: migrations do not change; move it away")
	text, err := os.ReadFile(names[0])
	require.NoError(t, err)
	require.Equal(t, "-- ours", string(text))
	require.Error(t, set(first).Export(filepath.Join(dir, "nowhere")))
}

func TestAConnectionWillDo(t *testing.T) {
	pool := open(t)
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	require.NoError(t, set(first).Apply(t.Context(), conn))
	require.Empty(t, notes(t, pool))
}
