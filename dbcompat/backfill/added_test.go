package backfill_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
)

var plan = dbcompat.Added[string]{Table: "users", Key: "id", Column: "plan", Fill: "'for ' || users.name"}

func TestAnAddedColumnIsFilledWhereThereIsNULL(t *testing.T) {
	pool := users(t, 1000)
	execute(t, pool, "ALTER TABLE users ADD plan text; UPDATE users SET plan = 'pro' WHERE id % 10 = 0")
	count(t, pool)
	fill := backfill.NewAdded(pool, plan, backfill.Config{Start: 70})
	require.EqualValues(t, 900, verified(t, fill).Mismatches)
	planned, err := fill.Plan(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{`"plan"`}, planned.Writes)
	require.Contains(t, planned.Batch, `UPDATE "users" SET "plan" = ('for ' || users.name) WHERE `)
	require.Empty(t, planned.Stage)

	require.NoError(t, fill.Run(t.Context()))
	require.Equal(t, []string{"for name1 900", "pro 100"},
		query(t, pool, "SELECT CASE plan WHEN 'for ' || name THEN 'for name1' ELSE plan END AS p, count(*) FROM users GROUP BY p ORDER BY p"))
	require.Equal(t, "900 900", one(t, pool, "SELECT count(*), count(DISTINCT id) FROM updates"), "nobody's value is written over")
	s := status(t, fill)
	require.Equal(t, backfill.Done, s.State)
	require.Empty(t, s.Stage)
	require.EqualValues(t, 1000, s.Rows)
	require.EqualValues(t, 900, s.Changed)

	v := verified(t, fill)
	require.Zero(t, v.Mismatches)
	require.Zero(t, v.Stage)
	stored, err := fill.Verified(t.Context())
	require.NoError(t, err)
	require.Equal(t, v.LSN, stored.LSN)
	require.Zero(t, stored.Stage)
	require.Equal(t, "public.users: plan", one(t, pool, "SELECT name FROM handover.backfills"))
	execute(t, pool, "ALTER TABLE users ALTER plan SET NOT NULL")
	require.NoError(t, fill.Run(t.Context()), "and once more, which finds nothing to do")
	require.Zero(t, status(t, fill).Changed)
}

// The row stays as it is, each time: no run waits for it, and none writes it.
func TestAFillThatIsNULLEndsAndIsFound(t *testing.T) {
	pool := users(t, 100)
	execute(t, pool, "ALTER TABLE users ADD plan text; UPDATE users SET name = NULL WHERE id IN (7, 50)")
	count(t, pool)
	fill := backfill.NewAdded(pool, plan, backfill.Config{Start: 10})
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		require.NoError(t, fill.Run(ctx))
		cancel()
	}
	require.EqualValues(t, 100, status(t, fill).Rows)
	require.Zero(t, status(t, fill).Changed)
	require.Equal(t, "98", one(t, pool, "SELECT count(*) FROM updates"))
	v := verified(t, fill)
	require.EqualValues(t, 2, v.Mismatches)
	require.Equal(t, []string{"id = 7", "id = 50"}, v.Examples)
}

// A row whose fields are in part NULL is a value.
func TestAnAddedColumnMayBeARow(t *testing.T) {
	pool := users(t, 10)
	execute(t, pool, "CREATE TYPE price AS (amount int, currency text); ALTER TABLE users ADD price price")
	fill := backfill.NewAdded(pool, dbcompat.Added[any]{Table: "users", Key: "id", Column: "price", Fill: "ROW(id, NULL)"}, backfill.Config{})
	require.NoError(t, fill.Run(t.Context()))
	require.EqualValues(t, 10, status(t, fill).Changed)
	require.Zero(t, verified(t, fill).Mismatches)
}

func TestWhatIsWrongWithAnAddedColumn(t *testing.T) {
	pool := users(t, 1)
	execute(t, pool, "ALTER TABLE users ADD plan text, ADD n int, ADD gen text GENERATED ALWAYS AS (name) STORED")
	tests := map[string]struct {
		change func(*dbcompat.Added[string])
		want   string
	}{
		"nothing at all":   {func(a *dbcompat.Added[string]) { *a = dbcompat.Added[string]{} }, "Key: it is empty: name the columns of the primary key"},
		"no such table":    {func(a *dbcompat.Added[string]) { a.Table = "user" }, `there is no table "user"`},
		"no such column":   {func(a *dbcompat.Added[string]) { a.Column = "plam" }, `there is no column "plam": add it first, or correct its name`},
		"no such key":      {func(a *dbcompat.Added[string]) { a.Key = "uid" }, "no unique index is on (uid)"},
		"a generated one":  {func(a *dbcompat.Added[string]) { a.Column = "gen" }, `column "gen" is generated`},
		"another type":     {func(a *dbcompat.Added[string]) { a.Column = "n" }, `column "n" is of type integer but expression is of type text`},
		"no such source":   {func(a *dbcompat.Added[string]) { a.Fill = "upper(nome)" }, `column "nome" does not exist`},
		"itself":           {func(a *dbcompat.Added[string]) { a.Fill = "plan || ''" }, "it is over the column that is being filled: name others"},
		"two statements":   {func(a *dbcompat.Added[string]) { a.Fill = "'a'; DROP TABLE users" }, "it has a semicolon"},
		"of all the rows":  {func(a *dbcompat.Added[string]) { a.Fill = "max(name)" }, "aggregate functions are not allowed in"},
		"its key":          {func(a *dbcompat.Added[string]) { a.Key = "id, plan" }, `Key: "plan" is in it twice, or is being filled`},
		"NULL, as a value": {func(a *dbcompat.Added[string]) { a.Column, a.Fill = "n", "NULL::text" }, `column "n" is of type integer but expression is of type text`},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			added := plan
			tt.change(&added)
			require.ErrorContains(t, backfill.NewAdded(pool, added, backfill.Config{}).Run(t.Context()), tt.want)
		})
	}
	require.Equal(t, "true", one(t, pool, "SELECT to_regnamespace('handover') IS NULL"))
	err := backfill.NewAdded(nil, plan, backfill.Config{Duty: 2}).Run(t.Context())
	require.ErrorContains(t, err, "the pool is nil")
	require.ErrorContains(t, err, "Config.Duty is 2")
}
