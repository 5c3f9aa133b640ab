package backfill_test

import (
	"context"
	"math"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/internal/pgtest"
)

func TestWhatIsWrongIsSaidBeforeAnythingIsTouched(t *testing.T) {
	pool := open(t, pg.Database(t), 4)
	execute(t, pool, `CREATE TABLE users (id bigint PRIMARY KEY, other int, name text, label text, n int, gen text GENERATED ALWAYS AS (name) STORED,
			UNIQUE (other), UNIQUE (name, id));
		CREATE TABLE heap (id int NOT NULL, name text, label text);
		CREATE TABLE partly (id int NOT NULL, name text, label text);
		CREATE UNIQUE INDEX ON partly (id) WHERE name IS NULL;
		CREATE TABLE parent (id int PRIMARY KEY, name text, label text);
		CREATE TABLE child () INHERITS (parent);
		CREATE VIEW shown AS SELECT * FROM users`)
	tests := map[string]struct {
		change func(*dbcompat.Columns, *backfill.Config)
		want   []string
	}{
		"no such table":      {func(c *dbcompat.Columns, _ *backfill.Config) { c.Table = "shop.user" }, []string{`there is no table "shop"."user"`}},
		"a view":             {func(c *dbcompat.Columns, _ *backfill.Config) { c.Table = "shown" }, []string{"it is no table"}},
		"a parent":           {func(c *dbcompat.Columns, _ *backfill.Config) { c.Table = "parent" }, []string{"tables inherit from it"}},
		"no such columns":    {func(c *dbcompat.Columns, _ *backfill.Config) { c.Old, c.New, c.Up = []string{"a"}, []string{"b"}, nil }, []string{`no column "a"`, `no column "b"`}},
		"no such key":        {func(c *dbcompat.Columns, _ *backfill.Config) { c.Key = []string{"uid"} }, []string{`no column "uid"`, "no unique index is on (uid)", "(id; other; name, id)"}},
		"a key with NULLs":   {func(c *dbcompat.Columns, _ *backfill.Config) { c.Key = []string{"other"} }, []string{`"other" of the key may be NULL`}},
		"a key out of order": {func(c *dbcompat.Columns, _ *backfill.Config) { c.Key = []string{"id", "name"} }, []string{"no unique index is on (id, name) in this order"}},
		"no key":             {func(c *dbcompat.Columns, _ *backfill.Config) { c.Table = "heap" }, []string{`CREATE UNIQUE INDEX CONCURRENTLY ON "heap" (id)`}},
		"a key of some rows": {func(c *dbcompat.Columns, _ *backfill.Config) { c.Table = "partly" }, []string{"it has no unique index"}},
		"the same column":    {func(c *dbcompat.Columns, _ *backfill.Config) { c.New = c.Old }, []string{`"name" is there twice`}},
		"a generated column": {func(c *dbcompat.Columns, _ *backfill.Config) { c.New = []string{"gen"} }, []string{"is generated"}},
		"another type":       {func(c *dbcompat.Columns, _ *backfill.Config) { c.New = []string{"n"} }, []string{"operator does not exist: integer = text"}},
		"a function that is not there": {
			func(c *dbcompat.Columns, _ *backfill.Config) { c.Up = []string{"uper(name)"} }, []string{"function uper(text) does not exist"},
		},
		"a config that contradicts itself": {
			func(_ *dbcompat.Columns, c *backfill.Config) {
				*c = backfill.Config{
					Schema: `a"b`, Target: -1, LockTimeout: time.Microsecond, StatementTimeout: -time.Second, Lease: -1, Start: -1, Rate: -1,
					Duty: math.NaN(), Throttles: []backfill.Throttle{nil},
				}
			},
			[]string{"Schema", "Target", "LockTimeout", "StatementTimeout", "Lease", "Start", "Rate", "Duty", "Throttles[0]"},
		},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			columns, config := name, backfill.Config{}
			tt.change(&columns, &config)
			fill := backfill.New(pool, columns, dual, config)
			err := fill.Run(t.Context())
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			_, planErr := fill.Plan(t.Context())
			require.Error(t, planErr)
		})
	}
	require.Equal(t, "true", one(t, pool, "SELECT to_regnamespace('handover') IS NULL"))
}

func TestNothingGivenIsAnErrorAndNoPanic(t *testing.T) {
	for fill, wants := range map[*backfill.Backfill][]string{
		backfill.New(nil, dbcompat.Columns{}, nil, backfill.Config{}): {"the pool is nil", "without a stage nothing is written", "Key is empty"},
		new(backfill.Backfill): {"the Backfill is empty: make one with New"},
	} {
		for _, err := range errorsOf(t, fill) {
			for _, want := range wants {
				require.ErrorContains(t, err, want)
			}
		}
	}
}

// errorsOf are those of all methods.
func errorsOf(t *testing.T, fill *backfill.Backfill) []error {
	t.Helper()
	_, statusErr := fill.Status(t.Context())
	_, verifyErr := fill.Verify(t.Context())
	_, verifiedErr := fill.Verified(t.Context())
	_, planErr := fill.Plan(t.Context())
	_, skippedErr := fill.Skipped(t.Context())
	return []error{
		fill.Run(t.Context()), fill.Migrate(t.Context()), fill.Pause(t.Context()), fill.Resume(t.Context()), fill.Cancel(t.Context()),
		statusErr, verifyErr, verifiedErr, planErr, skippedErr,
	}
}

func TestWithoutRights(t *testing.T) {
	pool := users(t, 10)
	execute(t, pool, `DROP ROLE IF EXISTS clerk; CREATE ROLE clerk LOGIN`)
	t.Cleanup(func() {
		_, _ = pool.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY clerk; DROP ROLE clerk")
	})
	u, err := url.Parse(pool.Config().ConnString())
	require.NoError(t, err)
	u.User = url.User("clerk")
	theirs := open(t, u.String(), 2)
	run := func(config backfill.Config) error { return backfill.New(theirs, name, dual, config).Run(t.Context()) }

	require.ErrorContains(t, run(backfill.Config{}), `may not read column "id": GRANT SELECT`)
	execute(t, pool, "GRANT SELECT ON users TO clerk")
	require.ErrorContains(t, run(backfill.Config{}), `may not write column "label": GRANT UPDATE`)
	execute(t, pool, "GRANT UPDATE (label) ON users TO clerk")
	require.ErrorContains(t, run(backfill.Config{VacuumEvery: 1}), "only its owner may vacuum")
	require.ErrorContains(t, run(backfill.Config{}), "permission denied for database")
	require.NoError(t, backfill.New(pool, name, dual, backfill.Config{}).Migrate(t.Context()))
	execute(t, pool, `GRANT USAGE ON SCHEMA handover TO clerk;
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA handover TO clerk`)
	require.NoError(t, run(backfill.Config{NoAnalyze: true}))

	// Rows that it may not see are not left out in silence.
	execute(t, pool, "ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON users USING (id < 5)")
	require.ErrorContains(t, run(backfill.Config{}), "row-level security")
}

func TestAStandbyIsRefused(t *testing.T) {
	standby := pg.Standby(pgtest.Config{}).For(t)
	fill := backfill.New(open(t, standby.URL(), 2), name, dual, backfill.Config{})
	require.ErrorContains(t, fill.Run(t.Context()), "the server is read-only, a standby perhaps")
	_, err := fill.Verify(t.Context())
	require.ErrorContains(t, err, "the server is read-only")
}

func TestRowsThatCannotBeWritten(t *testing.T) {
	columns := dbcompat.Columns{
		Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"n"},
		Up: []string{"name::int"}, Down: []string{"n::text"},
	}
	pool := users(t, 0)
	execute(t, pool, `ALTER TABLE users ADD n int CHECK (n <> 13);
		INSERT INTO users SELECT i, CASE WHEN i IN (7, 400) THEN 'seven' ELSE i::text END FROM generate_series(1, 500) i`)
	fill := backfill.New(pool, columns, dual, backfill.Config{})
	for range 2 {
		err := fill.Run(t.Context())
		var row *backfill.RowError
		require.ErrorAs(t, err, &row)
		require.Equal(t, "id = 7", row.Key)
		require.ErrorContains(t, err, `invalid input syntax for type integer: "seven"`)
	}
	require.Equal(t, "6", one(t, pool, "SELECT count(n) FROM users"), "all before it are done")

	fill = backfill.New(pool, columns, dual, backfill.Config{Skip: true, Start: 64})
	require.NoError(t, fill.Run(t.Context()))
	skipped, err := fill.Skipped(t.Context())
	require.NoError(t, err)
	require.Len(t, skipped, 3)
	require.Contains(t, skipped["13"], "check constraint")
	require.Contains(t, skipped["400"], "invalid input syntax")
	s := status(t, fill)
	require.EqualValues(t, 3, s.Skipped)
	require.EqualValues(t, 500, s.Rows)
	require.Equal(t, "497", one(t, pool, "SELECT count(n) FROM users"))
	v := verified(t, fill)
	require.EqualValues(t, 500, v.Rows)
	require.EqualValues(t, 3, v.Mismatches, "a row that is skipped is one that differs")
	require.ElementsMatch(t, []string{"id = 7", "id = 13", "id = 400"}, v.Examples)

	execute(t, pool, "UPDATE users SET name = '8' WHERE id IN (7, 13, 400)")
	require.NoError(t, fill.Run(t.Context()))
	skipped, err = fill.Skipped(t.Context())
	require.NoError(t, err)
	require.Empty(t, skipped)
	require.Zero(t, verified(t, fill).Mismatches)
}
