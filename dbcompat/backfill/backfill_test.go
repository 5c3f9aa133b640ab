package backfill_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/internal/pgtest"
)

// healthCheck sleeps for half a second after a pool has closed a connection.
const healthCheck = "github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"

func TestMain(m *testing.M) {
	if url := os.Getenv(envVictim); url != "" {
		os.Exit(victim(url))
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(healthCheck))
}

var pg = pgtest.New(pgtest.Config{})

var (
	dual = dbcompat.Fixed(dbcompat.DualWrite)

	// name is what most tests replace.
	name = dbcompat.Columns{
		Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"label"},
		Up: []string{"upper(name)"}, Down: []string{"lower(label)"},
	}
)

// open makes a pool of n connections.
func open(t testing.TB, url string, n int32) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	config.MaxConns = n
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// users makes a table of n of them, with names and without labels.
func users(t testing.TB, n int) *pgxpool.Pool {
	t.Helper()
	pool := open(t, pg.Database(t), 4)
	execute(t, pool, fmt.Sprintf(`CREATE TABLE users (id bigint PRIMARY KEY, name text, label text);
		INSERT INTO users SELECT i, 'name' || i FROM generate_series(1, %d) i`, n))
	return pool
}

func execute(t testing.TB, pool *pgxpool.Pool, sql string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
}

// query returns the rows, the columns of each with spaces between.
func query(t testing.TB, pool *pgxpool.Pool, sql string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.TrimSpace(fmt.Sprintln(values...)), err
	})
	require.NoError(t, err)
	return all
}

func one(t testing.TB, pool *pgxpool.Pool, sql string) string {
	t.Helper()
	all := query(t, pool, sql)
	require.Len(t, all, 1)
	return all[0]
}

func status(t testing.TB, b *backfill.Backfill) backfill.Status {
	t.Helper()
	s, err := b.Status(t.Context())
	require.NoError(t, err)
	return s
}

func verified(t testing.TB, b *backfill.Backfill) backfill.Verification {
	t.Helper()
	v, err := b.Verify(t.Context())
	require.NoError(t, err)
	return v
}

// count gives the table a trigger that counts updates by key.
func count(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	execute(t, pool, `CREATE TABLE updates (id bigint);
		CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO updates VALUES (NEW.id); RETURN NULL; END';
		CREATE TRIGGER audit AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION audit()`)
}

func TestARunFillsVerifiesAndRepairs(t *testing.T) {
	pool := users(t, 5000)
	fill := backfill.New(pool, name, dual, backfill.Config{})
	before := status(t, fill)
	require.Equal(t, backfill.None, before.State)
	_, err := fill.Verified(t.Context())
	require.ErrorIs(t, err, backfill.ErrNotVerified)
	require.EqualValues(t, 5000, verified(t, fill).Mismatches)

	planned, err := fill.Plan(t.Context())
	require.NoError(t, err)
	require.Zero(t, planned.Rate)
	require.Less(t, planned.Shortest, planned.Longest)

	require.NoError(t, fill.Run(t.Context()))
	planned, err = fill.Plan(t.Context())
	require.NoError(t, err)
	require.Positive(t, planned.Rate, "that of the last run")
	require.Equal(t, planned.Shortest, planned.Longest)
	other := backfill.New(pool, name, dbcompat.Fixed(dbcompat.New), backfill.Config{})
	planned, err = other.Plan(t.Context())
	require.NoError(t, err)
	require.Zero(t, planned.Rate, "of something else it says nothing")
	require.Equal(t, "5000", one(t, pool, "SELECT count(*) FROM users WHERE label = upper(name)"))
	s := status(t, fill)
	require.Equal(t, backfill.Done, s.State)
	require.EqualValues(t, 5000, s.Rows)
	require.EqualValues(t, 5000, s.Changed)
	require.EqualValues(t, 5000, s.Total)
	require.Equal(t, 1.0, s.Share())
	require.False(t, s.Alive)
	require.Equal(t, "1", one(t, pool, "SELECT count(*) FROM pg_stats WHERE attname = 'label'"), "it is analysed")

	v := verified(t, fill)
	require.Zero(t, v.Mismatches)
	require.EqualValues(t, 5000, v.Rows)
	require.Equal(t, dbcompat.DualWrite, v.Stage)
	require.False(t, v.Ended.Before(v.Began))
	require.NotEmpty(t, v.LSN)
	stored, err := fill.Verified(t.Context())
	require.NoError(t, err)
	require.Equal(t, v.LSN, stored.LSN)
	require.True(t, v.Ended.Equal(stored.Ended))

	execute(t, pool, "UPDATE users SET name = 'x' WHERE id = 17; UPDATE users SET label = NULL WHERE id = 4711")
	v = verified(t, fill)
	require.EqualValues(t, 2, v.Mismatches)
	require.Equal(t, []string{"id = 17", "id = 4711"}, v.Examples)
	count(t, pool)
	require.NoError(t, fill.Run(t.Context()))
	require.Equal(t, []string{"17", "4711"}, query(t, pool, "SELECT id FROM updates ORDER BY id"), "nothing else is touched")
	require.Zero(t, verified(t, fill).Mismatches)
}

// The believed column is never written, whatever its twin is.
func TestTheStageIsTheDirection(t *testing.T) {
	tests := map[string]struct {
		stage dbcompat.Stage
		want  []string
	}{
		"up at Old":        {dbcompat.Old, []string{"1 a A", "2 b B", "3 <nil> <nil>"}},
		"up at DualWrite":  {dbcompat.DualWrite, []string{"1 a A", "2 b B", "3 <nil> <nil>"}},
		"down at ReadNew":  {dbcompat.ReadNew, []string{"1 <nil> <nil>", "2 z Z", "3 c C"}},
		"down at New":      {dbcompat.New, []string{"1 <nil> <nil>", "2 z Z", "3 c C"}},
		"none, so nothing": {0, []string{"1 a <nil>", "2 b Z", "3 <nil> C"}},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			pool := users(t, 0)
			execute(t, pool, "INSERT INTO users VALUES (1, 'a', NULL), (2, 'b', 'Z'), (3, NULL, 'C')")
			fill := backfill.New(pool, name, dbcompat.Fixed(tt.stage), backfill.Config{})
			err := fill.Run(t.Context())
			if tt.stage.Valid() {
				require.NoError(t, err)
				require.Zero(t, verified(t, fill).Mismatches)
			} else {
				require.ErrorContains(t, err, "backfill: run users: without a stage nothing is written")
			}
			require.Equal(t, tt.want, query(t, pool, "SELECT id, name, label FROM users ORDER BY id"))
		})
	}
}

func TestATurnOfTheStageStopsIt(t *testing.T) {
	pool := users(t, 100)
	stage := dbcompat.Old
	asked := 0
	source := func(context.Context) (dbcompat.Stage, error) {
		if asked++; asked%5 == 0 {
			stage++
		}
		return stage, nil
	}
	fill := backfill.New(pool, name, source, backfill.Config{Start: 1, Most: 1})
	err := fill.Run(t.Context())
	require.ErrorIs(t, err, backfill.ErrTurned)
	require.ErrorContains(t, err, "from old to read-new")
	require.EqualValues(t, 8, status(t, fill).Rows, "from Old to DualWrite it has gone on")

	_, err = fill.Verify(t.Context())
	require.ErrorIs(t, err, backfill.ErrTurned, "a verification is of one stage")

	// In the other direction it begins at the beginning.
	fill = backfill.New(pool, name, dbcompat.Fixed(dbcompat.New), backfill.Config{})
	require.NoError(t, fill.Run(t.Context()))
	require.EqualValues(t, 100, status(t, fill).Rows)
	require.Equal(t, "92", one(t, pool, "SELECT count(*) FROM users WHERE name IS NULL"))
}

// Whoever has been at Old while it verified may have written one column of two.
func TestATurnDuringTheLastBatchIsNoVerification(t *testing.T) {
	asked := 0
	source := func(context.Context) (dbcompat.Stage, error) {
		if asked++; asked > 2 {
			return dbcompat.Old, nil
		}
		return dbcompat.DualWrite, nil
	}
	fill := backfill.New(users(t, 100), name, source, backfill.Config{})
	_, err := fill.Verify(t.Context())
	require.ErrorIs(t, err, backfill.ErrTurned)
	_, err = fill.Verified(t.Context())
	require.ErrorIs(t, err, backfill.ErrNotVerified)
}

// Two tenants: their tables have one name, and their runs have one schema.
func TestATableIsWhatSearchPathSaysItIs(t *testing.T) {
	url := pg.Database(t)
	tenant := func(schema string) *pgxpool.Pool {
		config, err := pgxpool.ParseConfig(url)
		require.NoError(t, err)
		config.MaxConns = 3
		config.ConnConfig.RuntimeParams["search_path"] = schema
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		execute(t, pool, "CREATE SCHEMA "+schema+`; CREATE TABLE users (id bigint PRIMARY KEY, name text, label text);
			INSERT INTO users SELECT i, 'name' || i FROM generate_series(1, 100) i`)
		return pool
	}
	mine, other := tenant("one"), tenant("other")
	ctx, stop := context.WithCancel(t.Context())
	asked := 0
	first := backfill.New(mine, name, func(context.Context) (dbcompat.Stage, error) {
		if asked++; asked == 6 {
			stop()
		}
		return dbcompat.DualWrite, nil
	}, backfill.Config{Start: 10, Most: 10})
	require.ErrorIs(t, first.Run(ctx), context.Canceled)

	second := backfill.New(other, name, dual, backfill.Config{})
	require.Equal(t, backfill.None, status(t, second).State)
	require.NoError(t, second.Run(t.Context()))
	require.Zero(t, verified(t, second).Mismatches)
	_, err := first.Verified(t.Context())
	require.ErrorIs(t, err, backfill.ErrNotVerified)

	full := name
	full.Table = "other.users"
	require.EqualValues(t, 100, status(t, backfill.New(mine, full, dual, backfill.Config{})).Rows, "by its full name it is the same")
	require.Equal(t, backfill.Running, status(t, first).State)
}

func TestAllKindsOfKeys(t *testing.T) {
	tests := map[string]struct{ table, key, rows string }{
		"a bigint": {"id bigint PRIMARY KEY", "id", "i * 1000000007::bigint - 50"},
		"a uuid":   {"id uuid PRIMARY KEY", "id", "gen_random_uuid()"},
		"a text in the order of its language": {
			`id text COLLATE "en-x-icu" PRIMARY KEY`, "id", `(ARRAY['Ä', 'a', 'Z', 'ö', '-', ' '])[1 + i % 6] || i`,
		},
		"a text without regard to case": {`id text COLLATE ci PRIMARY KEY`, "id", `(ARRAY['A', 'b'])[1 + i % 2] || i`},
		"a text with anything in it":    {"id text PRIMARY KEY", "id", `'{"' || i || ''',\ ' || chr(10)`},
		"a time":                        {"id timestamptz PRIMARY KEY", "id", "'epoch'::timestamptz + i * interval '1.000001 seconds'"},
		"a date":                        {"id date PRIMARY KEY", "id", "'2001-02-03'::date + i"},
		"a float":                       {"id float8 PRIMARY KEY", "id", "1.0 / i"},
		"a number":                      {"id numeric(30, 10) PRIMARY KEY", "id", "1.0 / i"},
		"bytes":                         {"id bytea PRIMARY KEY", "id", `decode(md5(i::text), 'hex')`},
		"a padded text":                 {"id char(9) PRIMARY KEY", "id", "i::text"},
		"an enum":                       {"id mood, n int, PRIMARY KEY (n, id)", "n,id", "'sad', i"},
		"an array":                      {"id int[] PRIMARY KEY", "id", "ARRAY[i % 7, i]"},
		"two columns":                   {"b int, a text, PRIMARY KEY (a, b)", "a,b", "i, (i % 3)::text"},
		"three, of which two are named oddly": {
			`"A ""b""" int NOT NULL, "Select" uuid NOT NULL, c int NOT NULL, UNIQUE (c, "A ""b""", "Select")`,
			`c,A "b",Select`, "i % 2, gen_random_uuid(), i % 5",
		},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			pool := open(t, pg.Database(t), 3)
			execute(t, pool, `CREATE SCHEMA "my shop"; CREATE TYPE mood AS ENUM ('sad', 'ok');
				CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
				CREATE TABLE "my shop"."Users" (`+tt.table+`, "old name" text, "new" text);
				INSERT INTO "my shop"."Users" SELECT `+tt.rows+`, 'v' || i FROM generate_series(1, 500) i`)
			columns := dbcompat.Columns{
				Table: "my shop.Users", Key: strings.Split(tt.key, ","), Old: []string{"old name"}, New: []string{"new"},
			}
			fill := backfill.New(pool, columns, dual, backfill.Config{Start: 7, Most: 30})
			require.NoError(t, fill.Run(t.Context()))
			require.Equal(t, "500", one(t, pool, `SELECT count(*) FROM "my shop"."Users" WHERE "new" = "old name"`))
			s := status(t, fill)
			require.EqualValues(t, 500, s.Rows)
			require.EqualValues(t, 500, s.Changed)
			v := verified(t, fill)
			require.EqualValues(t, 500, v.Rows)
			require.Zero(t, v.Mismatches)
		})
	}
}

func TestSeveralColumnsAndPartitions(t *testing.T) {
	pool := open(t, pg.Database(t), 3)
	execute(t, pool, `CREATE TABLE users (id int, at date, full_name text, first text, last text, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
		CREATE TABLE a PARTITION OF users FOR VALUES FROM ('2001-01-01') TO ('2002-01-01');
		CREATE TABLE b PARTITION OF users DEFAULT;
		INSERT INTO users SELECT i, '2001-12-01'::date + i, 'Ada' || i || ' Lovelace' FROM generate_series(1, 100) i`)
	fill := backfill.New(pool, dbcompat.Columns{
		Table: "users", Key: []string{"at", "id"}, Old: []string{"full_name"}, New: []string{"first", "last"},
		Up: []string{"split_part(full_name, ' ', 1)", "split_part(full_name, ' ', 2)"}, Down: []string{"first || ' ' || last"},
	}, dual, backfill.Config{Start: 9})
	require.NoError(t, fill.Run(t.Context()))
	require.Equal(t, "Ada7 Lovelace", one(t, pool, "SELECT first, last FROM users WHERE id = 7"))
	require.Zero(t, verified(t, fill).Mismatches)
	require.EqualValues(t, 100, status(t, fill).Changed)
}

func TestATableWithoutRows(t *testing.T) {
	fill := backfill.New(users(t, 0), name, dual, backfill.Config{})
	require.NoError(t, fill.Run(t.Context()))
	require.Equal(t, backfill.Done, status(t, fill).State)
	require.Zero(t, verified(t, fill).Rows)
}

// Rows of later belong to those who write both columns: the run does not follow them.
func TestItEndsUnderInserts(t *testing.T) {
	pool := users(t, 50)
	execute(t, pool, `CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN INSERT INTO users SELECT max(id) + 1, ''more'' FROM users; RETURN NULL; END';
		CREATE TRIGGER more AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION more()`)
	fill := backfill.New(pool, name, dual, backfill.Config{Start: 2, Most: 2})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, fill.Run(ctx))
	require.EqualValues(t, 50, status(t, fill).Rows)
	require.Equal(t, "50", one(t, pool, "SELECT count(*) FROM users WHERE label IS NULL"))
}
