package heal_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/heal"
	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck)) }

var pg = pgtest.New(pgtest.Config{})

// displayName is a rename.
var displayName = dbcompat.Column[string]{
	Table: "users", Key: "id", Old: "name", New: "display_name", Up: "name", Down: "display_name",
}

const users = `CREATE TABLE users (id bigint PRIMARY KEY, name text, display_name text, age int)`

func open(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func execute(t testing.TB, pool *pgxpool.Pool, sql string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err, sql)
}

// fresh makes a database a new one, which is quicker than to make one.
func fresh(t testing.TB, pool *pgxpool.Pool, table string) {
	t.Helper()
	execute(t, pool, `DROP SCHEMA IF EXISTS "Shop" CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; `+table)
}

// query returns the rows as PostgreSQL writes them.
func query(t testing.TB, pool *pgxpool.Pool, sql string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), "SELECT q::text FROM ("+sql+") AS q")
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return all
}

// installed makes a database with a table, and the trigger.
func installed(t testing.TB, table string, columns dbcompat.Columns) (*pgxpool.Pool, *heal.Trigger) {
	t.Helper()
	pool := open(t, pg.Database(t))
	execute(t, pool, table)
	trigger := heal.New(pool, columns, dbcompat.Fixed(dbcompat.Old), heal.Config{})
	require.NoError(t, trigger.Install(t.Context()))
	return pool, trigger
}

func status(t testing.TB, trigger *heal.Trigger) heal.Status {
	t.Helper()
	s, err := trigger.Status(t.Context())
	require.NoError(t, err)
	return s
}

// dual is what a dual-writer sends.
func dual(id int, name string) string {
	columns, values := displayName.Insert(dbcompat.DualWrite, 1)
	return fmt.Sprintf("INSERT INTO users (id, %s) VALUES (%d, %s)", columns, id, strings.ReplaceAll(values, "$1", "'"+name+"'"))
}

func TestWhatIsHealedAndWhatIsNotTouched(t *testing.T) {
	const up1 = "UPDATE users SET display_name = name"
	dualSet := func(name string) string {
		return "UPDATE users SET " + strings.ReplaceAll(displayName.Set(dbcompat.DualWrite, 1), "$1", "'"+name+"'")
	}
	upsert := dual(1, "bob") + " ON CONFLICT (id) DO UPDATE SET "
	tests := map[string]struct {
		before, write []string // before: the trigger is off
		want          []string
		healed        uint64
	}{
		"an old writer's INSERT": {
			write: []string{"INSERT INTO users (id, name) VALUES (1, 'ada'), (2, 'bob')"},
			want:  []string{"(1,ada,ada)", "(2,bob,bob)"}, healed: 2,
		},
		"an old writer's INSERT of nothing": {
			write: []string{"INSERT INTO users (id) VALUES (1)"},
			want:  []string{"(1,,)"},
		},
		"an old writer's UPDATE, after a dual-writer": { // WHERE new IS NULL would never find it
			write: []string{dual(1, "ada"), "UPDATE users SET name = 'bob'"},
			want:  []string{"(1,bob,bob)"}, healed: 1,
		},
		"an old writer's UPDATE to NULL": {
			write: []string{dual(1, "ada"), "UPDATE users SET name = NULL"},
			want:  []string{"(1,,)"}, healed: 1,
		},
		"an old writer's UPDATE of what is not back-filled": {
			before: []string{"INSERT INTO users (id, name) VALUES (1, 'ada'), (2, 'bob')"},
			write:  []string{"UPDATE users SET name = 'eve' WHERE id = 1"},
			want:   []string{"(1,eve,eve)", "(2,bob,)"}, healed: 1,
		},
		"an old writer's upsert": {
			write: []string{dual(1, "ada"), "INSERT INTO users (id, name) VALUES (1, 'bob'), (2, 'eve') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name"},
			want:  []string{"(1,bob,bob)", "(2,eve,eve)"}, healed: 3, // BEFORE INSERT fires for the row that conflicts as well
		},
		"INSERT … SELECT, and MERGE's parts": {
			write: []string{dual(1, "ada"), "INSERT INTO users (id, name) SELECT id + 1, 'copy of ' || name FROM users"},
			want:  []string{"(1,ada,ada)", `(2,"copy of ada","copy of ada")`}, healed: 1,
		},
		"new has a default, as it gets with the constraints of old": {
			before: []string{"ALTER TABLE users ALTER display_name SET DEFAULT 'nobody'"},
			write:  []string{"INSERT INTO users (id, name) VALUES (1, 'ada')"},
			want:   []string{"(1,ada,ada)"}, healed: 1,
		},
		"a dual-writer's INSERT and UPDATE": {
			write: []string{dual(1, "ada"), dualSet("bob"), dualSet("bob")},
			want:  []string{"(1,bob,bob)"},
		},
		"a dual-writer's NULL": {
			write: []string{dual(1, "ada"), strings.ReplaceAll(dualSet("?"), "'?'", "NULL")},
			want:  []string{"(1,,)"},
		},
		"a dual-writer's upsert": {
			write: []string{dual(1, "ada"), upsert + displayName.SetExcluded(dbcompat.DualWrite)},
			want:  []string{"(1,bob,bob)"},
		},
		"a dual-writer that sets new to what it is, and old from something else": {
			before: []string{"INSERT INTO users VALUES (1, 'late', 'back')"},
			write:  []string{dualSet("back")},
			want:   []string{"(1,back,back)"},
		},
		"an UPDATE of another column, before the back-fill": {
			before: []string{"INSERT INTO users (id, name) VALUES (1, 'ada')"},
			write:  []string{"UPDATE users SET age = 36"},
			want:   []string{"(1,ada,)"},
		},
		"the back-fill": {
			before: []string{"INSERT INTO users (id, name) VALUES (1, 'ada')"},
			write:  []string{up1},
			want:   []string{"(1,ada,ada)"},
		},
		"new alone, as it is at New": {
			write: []string{"INSERT INTO users (id, display_name) VALUES (1, 'ada')", "UPDATE users SET display_name = 'bob'"},
			want:  []string{"(1,,bob)"},
		},
		"old is changed by a trigger of somebody else": {
			before: []string{
				"CREATE FUNCTION trimmed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name := btrim(NEW.name); RETURN NEW; END'",
				"CREATE TRIGGER trimmed BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION trimmed()",
			},
			write: []string{"INSERT INTO users (id, name) VALUES (1, ' ada ')", "UPDATE users SET name = ' bob '"},
			want:  []string{"(1,bob,bob)"}, healed: 2,
		},
		"old is changed behind our back, by a trigger with a later name": {
			before: []string{
				"CREATE FUNCTION trimmed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name := btrim(NEW.name); RETURN NEW; END'",
				"CREATE TRIGGER zzzz BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION trimmed()",
			},
			write: []string{"INSERT INTO users (id, name) VALUES (1, ' ada ')"},
			want:  []string{`(1,ada," ada ")`}, healed: 1,
		},
		"what is applied by logical replication": {
			write: []string{"SET session_replication_role = replica; INSERT INTO users (id, name) VALUES (1, 'ada'); RESET session_replication_role"},
			want:  []string{"(1,ada,)"},
		},
		"a search_path with nothing in it": {
			write: []string{"SET search_path = ''; INSERT INTO public.users (id, name) VALUES (1, 'ada'); RESET search_path"},
			want:  []string{"(1,ada,ada)"}, healed: 1,
		},
		"a role that may write, and nothing else": {
			before: []string{"GRANT USAGE ON SCHEMA public TO writer", "GRANT SELECT, INSERT, UPDATE ON users TO writer"},
			write:  []string{"SET ROLE writer; INSERT INTO users (id, name) VALUES (1, 'ada'); UPDATE users SET name = 'bob'; RESET ROLE"},
			want:   []string{"(1,bob,bob)"}, healed: 2,
		},
		"a write that is rolled back is a sign of the writer all the same": {
			write:  []string{"BEGIN; INSERT INTO users (id, name) VALUES (1, 'ada'); ROLLBACK"},
			want:   []string{},
			healed: 1,
		},
	}
	pool := open(t, pgtest.New(pgtest.Config{}).For(t).URL()) // a role is the server's
	execute(t, pool, "CREATE ROLE writer")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fresh(t, pool, users)
			for _, sql := range test.before {
				execute(t, pool, sql)
			}
			trigger := heal.New(pool, displayName.Columns(), dbcompat.Fixed(dbcompat.DualWrite), heal.Config{})
			require.NoError(t, trigger.Install(t.Context()))
			for _, sql := range test.write {
				execute(t, pool, sql)
			}
			require.Equal(t, test.want, query(t, pool, "SELECT id, name, display_name FROM users ORDER BY id"))
			require.Equal(t, test.healed, status(t, trigger).Healed)
		})
	}
}

func TestCopy(t *testing.T) {
	pool, trigger := installed(t, users, displayName.Columns())
	_, err := pool.CopyFrom(t.Context(), pgx.Identifier{"users"}, []string{"id", "name"}, pgx.CopyFromRows([][]any{{1, "ada"}, {2, "bob"}}))
	require.NoError(t, err)
	_, err = pool.CopyFrom(t.Context(), pgx.Identifier{"users"}, []string{"id", "name", "display_name"}, pgx.CopyFromRows([][]any{{3, "eve", "eve"}}))
	require.NoError(t, err)
	require.Equal(t, []string{"(1,ada,ada)", "(2,bob,bob)", "(3,eve,eve)"}, query(t, pool, "SELECT id, name, display_name FROM users ORDER BY id"))
	require.EqualValues(t, 2, status(t, trigger).Healed)
}

func TestOtherColumns(t *testing.T) {
	tests := map[string]struct {
		table   string
		columns dbcompat.Columns
		write   []string
		want    []string
		healed  uint64
	}{
		"several, of which one is kept": {
			table: `CREATE TABLE people (id int PRIMARY KEY, full_name text, first text, last text)`,
			columns: dbcompat.Columns{
				Table: "people", Key: []string{"id"}, Old: []string{"full_name"}, New: []string{"first", "last"},
				Up:   []string{"split_part(full_name, ' ', 1)", "split_part(full_name, ' ', 2)"},
				Down: []string{"first || ' ' || last"},
			},
			write: []string{
				"INSERT INTO people VALUES (1, 'Ada Lovelace', NULL, NULL), (2, 'Alan Turing', 'Alan', 'Turing')",
				"UPDATE people SET full_name = 'Ada King', first = 'Ada', last = 'King' WHERE id = 1",
				"UPDATE people SET full_name = 'Alan M' WHERE id = 2",
			},
			want: []string{`(1,"Ada King",Ada,King)`, `(2,"Alan M",Alan,M)`}, healed: 2,
		},
		"int becomes bigint, in a key": {
			table:   `CREATE TABLE orders (id int PRIMARY KEY, big bigint)`,
			columns: dbcompat.Columns{Table: "orders", Key: []string{"id"}, Old: []string{"id"}, New: []string{"big"}, Types: []string{"bigint"}},
			write:   []string{"INSERT INTO orders VALUES (1, NULL), (2, 2)", "UPDATE orders SET id = 3 WHERE id = 2"},
			want:    []string{"(1,1)", "(3,3)"}, healed: 2,
		},
		"text becomes jsonb": {
			table:   `CREATE TABLE docs (id int PRIMARY KEY, body text, doc jsonb)`,
			columns: dbcompat.Columns{Table: "docs", Key: []string{"id"}, Old: []string{"body"}, New: []string{"doc"}, Up: []string{"body::jsonb"}, Down: []string{"doc::text"}},
			write:   []string{`INSERT INTO docs VALUES (1, '{"a":1}', NULL), (2, '{"b": 2}', '{"b": 2}')`},
			want:    []string{`(1,"{""a"":1}","{""a"": 1}")`, `(2,"{""b"": 2}","{""b"": 2}")`}, healed: 1,
		},
		"names and texts that need their quotes": {
			table:   `CREATE SCHEMA "Shop"; CREATE TABLE "Shop"."My ""Users""" (id int PRIMARY KEY, "the Name" text, "new" text, "old" text)`,
			columns: dbcompat.Columns{Table: `Shop.My "Users"`, Key: []string{"id"}, Old: []string{"the Name"}, New: []string{"new"}, Up: []string{`"the Name" || $heal$'\$heal$`}, Down: []string{`left("new", -2)`}},
			write:   []string{`INSERT INTO "Shop"."My ""Users""" VALUES (1, 'x', NULL), (2, 'y', $$y'\$$)`},
			want:    []string{`(1,x,"x'\\",)`, `(2,y,"y'\\",)`}, healed: 1,
		},
		"a table of partitions, and one that comes later": {
			table:   `CREATE TABLE events (id int, name text, title text) PARTITION BY RANGE (id); CREATE TABLE e1 PARTITION OF events FOR VALUES FROM (0) TO (10)`,
			columns: dbcompat.Columns{Table: "events", Key: []string{"id"}, Old: []string{"name"}, New: []string{"title"}},
			write: []string{
				"CREATE TABLE e2 PARTITION OF events FOR VALUES FROM (10) TO (20)",
				"INSERT INTO events VALUES (1, 'a'), (11, 'b')", "INSERT INTO e2 VALUES (12, 'c')",
				"UPDATE events SET id = 13, name = 'd' WHERE id = 1",
			},
			want: []string{"(11,b,b)", "(12,c,c)", "(13,d,d)"}, healed: 4,
		},
	}
	pool := open(t, pg.Database(t))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fresh(t, pool, test.table)
			trigger := heal.New(pool, test.columns, dbcompat.Fixed(dbcompat.Old), heal.Config{})
			require.NoError(t, trigger.Install(t.Context()))
			for _, sql := range test.write {
				execute(t, pool, sql)
			}
			require.Equal(t, test.want, query(t, pool, "SELECT * FROM "+test.columns.Relation()+" ORDER BY 1"))
			require.Equal(t, test.healed, status(t, trigger).Healed)
			require.NoError(t, trigger.Remove(t.Context()))
		})
	}
}

func TestStatus(t *testing.T) {
	pool := open(t, pg.Database(t))
	execute(t, pool, users)
	source := dbcompat.Fixed(dbcompat.Old)
	patient := heal.New(pool, displayName.Columns(), source, heal.Config{})
	hasty := heal.New(pool, displayName.Columns(), source, heal.Config{Quiet: -1})
	require.Zero(t, status(t, patient), "not installed")

	require.NoError(t, patient.Install(t.Context()))
	s := status(t, patient)
	require.True(t, s.Installed)
	require.True(t, s.Last.IsZero(), "Quiet is since Install")
	require.Less(t, s.Quiet, time.Minute)
	require.True(t, s.Needed)
	require.False(t, status(t, hasty).Needed)

	execute(t, pool, "INSERT INTO users (id, name) SELECT n, 'ada' FROM generate_series(1, 100) AS n")
	s = status(t, patient)
	require.EqualValues(t, 100, s.Healed)
	require.WithinDuration(t, time.Now(), s.Last, time.Minute)

	execute(t, pool, "SELECT setval(oid::regclass, (extract(epoch FROM now() - interval '25 hours') * 1000)::bigint) FROM pg_class WHERE relname LIKE 'heal%_last'")
	s = status(t, patient)
	require.InDelta(t, 25, s.Quiet.Hours(), 0.1)
	require.False(t, s.Needed, "a day has passed")

	execute(t, pool, "ALTER TABLE users DISABLE TRIGGER USER")
	require.Zero(t, status(t, patient), "somebody has switched it off")
	require.NoError(t, patient.Install(t.Context()))
	require.True(t, status(t, patient).Installed)
}

func TestRemoveLeavesNothing(t *testing.T) {
	const all = "SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal), " +
		"(SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace), (SELECT count(*) FROM pg_class WHERE relkind = 'S')"
	pool, trigger := installed(t, users, displayName.Columns())
	require.Equal(t, []string{"(2,1,2)"}, query(t, pool, all))
	require.NoError(t, trigger.Install(t.Context()), "twice")
	require.Equal(t, []string{"(2,1,2)"}, query(t, pool, all))
	atNew := heal.New(pool, displayName.Columns(), dbcompat.Fixed(dbcompat.New), heal.Config{})
	require.NoError(t, atNew.Remove(t.Context()), "at any stage")
	require.Equal(t, []string{"(0,0,0)"}, query(t, pool, all))
	require.NoError(t, trigger.Remove(t.Context()), "twice")
}

func TestInstallAgain(t *testing.T) {
	pool, trigger := installed(t, users, displayName.Columns())
	execute(t, pool, "INSERT INTO users (id, name) VALUES (1, 'ada')")
	require.NoError(t, trigger.Install(t.Context()))
	require.EqualValues(t, 1, status(t, trigger).Healed, "the same is left alone")

	other := displayName
	other.Up, other.Down = "name || ''", "display_name"
	changed := heal.New(pool, other.Columns(), dbcompat.Fixed(dbcompat.Old), heal.Config{})
	require.False(t, status(t, changed).Installed, "not with these expressions")
	require.NoError(t, changed.Install(t.Context()))
	require.Zero(t, status(t, changed).Healed)
	require.False(t, status(t, trigger).Installed)
}

func TestInstallByAllInstancesAtOnce(t *testing.T) {
	pool := open(t, pg.Database(t))
	execute(t, pool, users)
	errs := make(chan error)
	for range 4 {
		go func() {
			errs <- heal.New(pool, displayName.Columns(), dbcompat.Fixed(dbcompat.Old), heal.Config{}).Install(context.WithoutCancel(t.Context()))
		}()
	}
	for range 4 {
		require.NoError(t, <-errs)
	}
}
