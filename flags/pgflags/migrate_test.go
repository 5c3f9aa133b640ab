package pgflags_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/pgflags"
)

func TestManyMigrateAtOnce(t *testing.T) {
	database := pg.Database(t)
	var all sync.WaitGroup
	for range 4 {
		pool := open(t, database, 2)
		for range 2 {
			all.Go(func() {
				store := pgflags.New(pool, pgflags.Config{})
				for range 2 {
					if err := store.Migrate(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	pool := open(t, database, 1)
	require.Equal(t, []string{"1", "2"}, query(t, pool, "SELECT version FROM handover.flag_migrations ORDER BY version"))
}

func TestExport(t *testing.T) {
	dir := t.TempDir()
	store := pgflags.New(nil, pgflags.Config{})
	require.NoError(t, store.Export(dir))
	embedded, err := filepath.Glob("sql/*.sql")
	require.NoError(t, err)
	require.Equal(t, []string{"sql/0001_tables.sql", "sql/0002_triggers.sql"}, embedded)
	for _, name := range embedded {
		want, err := os.ReadFile(name)
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(dir, filepath.Base(name)))
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), name)
	}

	require.NoError(t, store.Export(dir), "they are there")
	changed := filepath.Join(dir, "0001_tables.sql")
	require.NoError(t, os.WriteFile(changed, []byte("--"), 0o600))
	require.EqualError(t, store.Export(dir), "pgflags: export to "+dir+": "+changed+
		" has other contents: migrations do not change; move it away")
	require.ErrorIs(t, store.Export(filepath.Join(dir, "none")), os.ErrNotExist)
	require.ErrorContains(t, pgflags.New(nil, pgflags.Config{Schema: "a b"}).Export(dir), `Config.Schema is "a b"`)
}

// What another tool has applied, Migrate goes on from.
func TestAnotherToolMigrates(t *testing.T) {
	dir := t.TempDir()
	config := pgflags.Config{Schema: "role"} // which is what grants have a place for
	require.NoError(t, pgflags.New(nil, config).Export(dir))
	pool := open(t, pg.Database(t), 2)
	store := pgflags.New(pool, config)
	text, err := os.ReadFile(filepath.Join(dir, "0001_tables.sql"))
	require.NoError(t, err)
	execute(t, pool, string(text))
	_, err = store.Load(t.Context())
	require.ErrorIs(t, err, pgflags.ErrNoSet)
	require.ErrorIs(t, store.Put(t.Context(), by, "a", []byte(on)), pgflags.ErrNotMigrated, "not all of them")
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, store.Put(t.Context(), by, "a", []byte(on)))
	require.Equal(t, "map[a:ENABLED]", states(t, load(t, store)))
}

// What fails leaves nothing behind.
func TestAMigrationThatFails(t *testing.T) {
	pool := open(t, pg.Database(t), 2)
	execute(t, pool, "CREATE SCHEMA handover; CREATE TABLE handover.flag_audit ()")
	store := pgflags.New(pool, pgflags.Config{})
	require.EqualError(t, store.Migrate(t.Context()),
		`pgflags: migrate schema handover: 0001_tables.sql: ERROR: relation "flag_audit" already exists (SQLSTATE 42P07)`)
	require.Equal(t, []string{"flag_audit"}, query(t, pool, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'handover'"))
	execute(t, pool, "DROP TABLE handover.flag_audit")
	require.NoError(t, store.Migrate(t.Context()))
}

// Sets and schemas are names, whatever they look like.
func TestNamesAreNames(t *testing.T) {
	pool := open(t, pg.Database(t), 4)
	for _, name := range []string{"Capitals", "select", "1-2", "ärger", "role"} {
		store := pgflags.New(pool, pgflags.Config{Schema: name, Set: "a'; DROP TABLE flags; --\"\\"})
		require.NoError(t, store.Migrate(t.Context()), name)
		key := `k'"\; --`
		require.NoError(t, store.Put(t.Context(), pgflags.Change{Who: `o'"\`, Why: "';--"}, key, []byte(on)), name)
		require.NoError(t, store.Kill(t.Context(), by, key), name)
		require.Equal(t, `map[`+key+`:DISABLED]`, states(t, load(t, store)), name)
		entries, err := store.Audit(t.Context(), key)
		require.NoError(t, err)
		require.Len(t, entries, 2)
		require.Equal(t, `o'"\`, entries[1].Who)
		changed, _ := watching(t, store)
		require.NoError(t, store.Unkill(t.Context(), by, key))
		await(t, changed)
	}
}

// login is a role of the test's own, and a pool that is its.
func login(t *testing.T, admin *pgxpool.Pool, suffix string) (role string, pool *pgxpool.Pool) {
	t.Helper()
	role = admin.Config().ConnConfig.Database + `_"` + suffix
	quoted := pgx.Identifier{role}.Sanitize()
	execute(t, admin, "CREATE ROLE "+quoted+" LOGIN")
	t.Cleanup(func() {
		_, err := admin.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY "+quoted+"; DROP ROLE "+quoted, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	})
	config := admin.Config()
	config.ConnConfig.User = role
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return role, pool
}

func TestRolesThatMayLittle(t *testing.T) {
	admin := open(t, pg.Database(t), 4)
	owner := pgflags.New(admin, pgflags.Config{})
	require.NoError(t, owner.Migrate(t.Context()))
	require.NoError(t, owner.Put(t.Context(), by, "a", []byte(on)))
	reading, readers := login(t, admin, "reader")
	writing, writers := login(t, admin, "writer")
	reader, writer := pgflags.New(readers, pgflags.Config{}), pgflags.New(writers, pgflags.Config{})

	_, err := reader.Load(t.Context())
	require.ErrorContains(t, err, "permission denied for schema handover")
	require.NoError(t, owner.GrantRead(t.Context(), reading))
	require.NoError(t, owner.GrantWrite(t.Context(), writing))
	require.ErrorContains(t, owner.GrantRead(t.Context(), `x"; DROP TABLE handover.flags; --`), `does not exist`)

	load(t, reader)
	changed, _ := watching(t, reader)
	require.NoError(t, writer.Kill(t.Context(), by, "a"))
	await(t, changed)
	require.Equal(t, "map[a:DISABLED]", states(t, load(t, reader)))
	require.ErrorContains(t, reader.Unkill(t.Context(), by, "a"), "permission denied for table flags")
	require.ErrorContains(t, reader.Migrate(t.Context()), "permission denied for table flag_migrations")

	require.NoError(t, writer.Put(t.Context(), by, "b", []byte(on)))
	require.NoError(t, writer.Delete(t.Context(), by, "b"))
	execute(t, writers, `UPDATE handover.flag_sets SET metadata = '{"bucketing": "v1"}'`)
	entries, err := writer.Audit(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, writing, entries[0].Role)
	for _, forgery := range []string{
		"UPDATE handover.flag_sets SET revision = 1000",
		"INSERT INTO handover.flag_sets (set, revision) VALUES ('x', 1000)",
		"INSERT INTO handover.flag_audit (set, revision, action, who, why) VALUES ('default', 1, 'delete', 'eve', '')",
		"DELETE FROM handover.flag_audit", "DELETE FROM handover.flag_sets", "TRUNCATE handover.flags",
		"ALTER TABLE handover.flags DISABLE TRIGGER USER",
	} {
		_, err := writers.Exec(t.Context(), forgery)
		require.Error(t, err, forgery)
		require.Regexp(t, "permission denied|must be owner", err.Error(), forgery)
	}
}
