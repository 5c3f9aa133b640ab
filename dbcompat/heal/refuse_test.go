package heal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/heal"
	"github.com/handover-go/handover/internal/pgtest"
)

func TestWhatInstallRefuses(t *testing.T) {
	with := func(change func(*dbcompat.Columns)) dbcompat.Columns {
		c := displayName.Columns()
		change(&c)
		return c
	}
	old := dbcompat.Fixed(dbcompat.Old)
	tests := map[string]struct {
		before  string
		columns dbcompat.Columns
		source  dbcompat.Source
		want    string
	}{
		"no source":             {columns: displayName.Columns(), want: "no source tells the stage"},
		"a source that fails":   {columns: displayName.Columns(), source: func(context.Context) (dbcompat.Stage, error) { return 0, errors.New("away") }, want: "ask the stage: away"},
		"no stage":              {columns: displayName.Columns(), source: dbcompat.Fixed(0), want: "Stage(0) is no stage"},
		"new is believed":       {columns: displayName.Columns(), source: dbcompat.Fixed(dbcompat.ReadNew), want: "the stage is read-new, where new is believed"},
		"new alone is believed": {columns: displayName.Columns(), source: dbcompat.Fixed(dbcompat.New), want: "the stage is new, where"},
		"columns that are none": {columns: dbcompat.Columns{}, source: old, want: "Key is empty"},
		"no table":              {columns: with(func(c *dbcompat.Columns) { c.Table = "nowhere.users" }), source: old, want: `there is no table "nowhere"."users"`},
		"no column":             {columns: with(func(c *dbcompat.Columns) { c.New = []string{"nick"} }), source: old, want: `column t.nick does not exist`},
		"no key":                {columns: with(func(c *dbcompat.Columns) { c.Key = []string{"uid"} }), source: old, want: `column t.uid does not exist`},
		"a view":                {before: "CREATE VIEW v AS SELECT * FROM users", columns: with(func(c *dbcompat.Columns) { c.Table = "v" }), source: old, want: `"v" is no table`},
		"Up is another thing every time": {
			columns: with(func(c *dbcompat.Columns) { c.Up = []string{"name || random()"} }), source: old,
			want: `"name" || random()), for "display_name", is not immutable`,
		},
		"Up depends on the session": {
			columns: with(func(c *dbcompat.Columns) { c.Up = []string{"name::timestamptz::text"} }), source: old,
			want: "is not immutable",
		},
		"Down depends on the session": {
			columns: with(func(c *dbcompat.Columns) { c.Down = []string{"display_name::date::text"} }), source: old,
			want: `for "name", is not immutable`,
		},
		"a value that cannot come from old": {
			before:  "INSERT INTO users VALUES (7, 'ada', 'ada'), (8, 'ada', 'Ada')",
			columns: with(func(c *dbcompat.Columns) { c.Down = []string{"lower(display_name)"} }), source: old,
			want: "in the row with the key 8 it is not what Up makes of what Down makes of it",
		},
		"NULL becomes something": {
			columns: with(func(c *dbcompat.Columns) { c.Down = []string{"coalesce(display_name, '')"} }), source: old,
			want: "take the coalesce out of Down",
		},
		"Up fails for a value, and would for its writer": {
			before:  "ALTER TABLE users DROP display_name, ADD display_name int; INSERT INTO users VALUES (1, 'ada')",
			columns: with(func(c *dbcompat.Columns) { c.Up, c.Down = []string{"name::int"}, []string{"display_name::text"} }), source: old,
			want: `try Up; the trigger would fail writes: ERROR: invalid input syntax for type integer: "ada"`,
		},
		"Up is of another type": {
			before:  "ALTER TABLE users DROP display_name, ADD display_name int",
			columns: displayName.Columns(), source: old,
			want: "operator does not exist: integer = text",
		},
	}
	pool := open(t, pg.Database(t))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fresh(t, pool, users)
			if test.before != "" {
				execute(t, pool, test.before)
			}
			err := heal.New(pool, test.columns, test.source, heal.Config{}).Install(t.Context())
			require.ErrorContains(t, err, "heal: install ")
			require.ErrorContains(t, err, test.want)
			require.Equal(t, []string{"(0)"}, query(t, pool, "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"))
			require.Equal(t, []string{"(0)"}, query(t, pool, "SELECT count(*) FROM pg_class WHERE relkind = 'S' OR relname = 'heal'"))
		})
	}
}

// Rows that an old writer has left behind are no reason to refuse: they are the reason
// to install.
func TestRowsThatAreStaleAreNotRefused(t *testing.T) {
	installed(t, users+"; INSERT INTO users VALUES (1, 'new', 'stale')", displayName.Columns())
}

func TestWithoutAPool(t *testing.T) {
	trigger := heal.New(nil, displayName.Columns(), dbcompat.Fixed(dbcompat.Old), heal.Config{})
	require.EqualError(t, trigger.Install(t.Context()), "heal: install users.display_name: the pool is nil: give one")
	require.EqualError(t, trigger.Remove(t.Context()), "heal: remove users.display_name: the pool is nil: give one")
	_, err := trigger.Status(t.Context())
	require.EqualError(t, err, "heal: status of users.display_name: the pool is nil: give one")
	_, err = trigger.Plan(t.Context())
	require.EqualError(t, err, "heal: plan users.display_name: the pool is nil: give one")
}

func TestAServerThatTakesNoWrites(t *testing.T) {
	primary := pgtest.New(pgtest.Config{}).For(t)
	standby := primary.Standby(pgtest.Config{}).For(t)
	pool := open(t, standby.URL())
	columns := dbcompat.Columns{Table: "pg_catalog.pg_class", Key: []string{"oid"}, Old: []string{"relname"}, New: []string{"reltuples"}, Up: []string{"0"}, Down: []string{"''"}}
	err := heal.New(pool, columns, dbcompat.Fixed(dbcompat.Old), heal.Config{}).Install(t.Context())
	require.ErrorContains(t, err, "read-only transaction")
}

func TestInstallWaitsForNobodyForLong(t *testing.T) {
	pool := open(t, pg.Database(t))
	execute(t, pool, users)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }) // before the pool is closed
	_, err = tx.Exec(t.Context(), "SET application_name = 'a long report'; INSERT INTO users VALUES (1)")
	require.NoError(t, err)

	config := heal.Config{LockTimeout: 20 * time.Millisecond, Attempts: 3}
	trigger := heal.New(pool, displayName.Columns(), dbcompat.Fixed(dbcompat.Old), config)
	err = trigger.Install(t.Context())
	require.ErrorContains(t, err, `no lock on "public"."users" in 3 attempts; a long report has it since `)
	require.ErrorContains(t, err, "idle in transaction")
	require.ErrorContains(t, err, "55P03")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, trigger.Install(ctx), context.Canceled)

	config.Attempts = 1000
	ended := make(chan error)
	go func() {
		ended <- heal.New(pool, displayName.Columns(), dbcompat.Fixed(dbcompat.Old), config).Install(context.WithoutCancel(t.Context()))
	}()
	require.Eventually(t, func() bool {
		return query(t, pool, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND mode = 'ShareRowExclusiveLock'")[0] == "(t)"
	}, time.Minute, time.Millisecond)
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-ended)
	require.True(t, status(t, trigger).Installed)
}
