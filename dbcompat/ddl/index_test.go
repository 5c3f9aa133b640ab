package ddl_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat/ddl"
	"github.com/handover-go/handover/internal/pgtest"
)

// pgtestWith is a server with settings, and its URL.
func pgtestWith(t *testing.T, settings map[string]string) string {
	t.Helper()
	return pgtest.New(pgtest.Config{Settings: settings}).For(t).URL()
}

func TestAnIndexThatWasLeftInvalidIsBuiltAgain(t *testing.T) {
	pool := fresh(t, users)
	_, err := pool.Exec(t.Context(), "CREATE INDEX CONCURRENTLY i ON users ((id / (team - team)))")
	require.ErrorContains(t, err, "division by zero")
	execute(t, pool, "CREATE INDEX IF NOT EXISTS i ON users (name)") // is content
	op := ddl.CreateIndex{Table: "users", Name: "i", Definition: "(name DESC)"}
	planned := plan(t, pool, op)
	require.False(t, planned[0].Done)
	require.Contains(t, planned.String(), `an INVALID index is left, and will be dropped before: DROP INDEX CONCURRENTLY "public"."i"`)
	require.NoError(t, run(t, pool, op))
	require.Contains(t, state(t, pool), "CREATE INDEX i ON public.users USING btree (name DESC)")
}

func TestADuplicateIsNamedAndNothingIsLeft(t *testing.T) {
	pool := fresh(t, users+"; UPDATE users SET name = 'twice' WHERE id < 3")
	before := state(t, pool)
	for _, op := range []ddl.Operation{
		ddl.CreateIndex{Table: "users", Name: "u", Columns: []string{"name"}, Unique: true},
		ddl.Unique{Table: "users", Name: "u", Columns: []string{"name"}},
	} {
		err := run(t, pool, op)
		require.ErrorContains(t, err, "Key (name)=(twice) is duplicated.")
		require.ErrorContains(t, err, "correct them, and run it again")
		require.Equal(t, before, state(t, pool))
	}
	execute(t, pool, "UPDATE users SET name = id")
	require.NoError(t, run(t, pool, ddl.Unique{Table: "users", Name: "u", Columns: []string{"name"}}))
}

func TestRowsThatDoNotSatisfyAConstraint(t *testing.T) {
	tests := map[string]struct {
		spoil, repair string
		op            ddl.Operation
		want          string
	}{
		"NOT NULL":      {"UPDATE users SET name = NULL WHERE id = 7", "UPDATE users SET name = '' WHERE name IS NULL", ddl.SetNotNull{Table: "users", Column: "name"}, "correct them"},
		"a check":       {"UPDATE users SET name = '' WHERE id = 7", "UPDATE users SET name = 'x' WHERE id = 7", ddl.Check{Table: "users", Name: "c", Expression: "name <> ''"}, "correct them"},
		"a foreign key": {"UPDATE users SET team = 7 WHERE id = 7", "UPDATE users SET team = 1 WHERE id = 7", ddl.ForeignKey{Table: "users", Name: "f", Columns: []string{"team"}, References: "teams"}, `Key (team)=(7) is not present in table "teams"`},
	}
	pool := fresh(t, "")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			again(t, pool, users)
			execute(t, pool, tt.spoil)
			require.ErrorContains(t, run(t, pool, tt.op), tt.want)
			_, err := pool.Exec(t.Context(), strings.Replace(tt.spoil, "id = 7", "id = 8", 1))
			require.Error(t, err, "new rows are refused already")
			execute(t, pool, tt.repair)
			require.NoError(t, run(t, pool, tt.op))
		})
	}
}

// An index that another instance is building is no leftover, and is not dropped.
func TestAnIndexThatIsBeingBuiltIsLeftAlone(t *testing.T) {
	pool := fresh(t, users)
	end := hold(t, pool, pgx.TxOptions{}, "UPDATE users SET id = id") // for which the other one waits
	const create = "CREATE INDEX CONCURRENTLY i ON users (name)"
	built := make(chan error)
	go func() {
		_, err := pool.Exec(context.WithoutCancel(t.Context()), create)
		built <- err
	}()
	for len(query(t, pool, "SELECT 1 FROM pg_class WHERE relname = 'i'")) == 0 { // it will come
	}
	op := ddl.CreateIndex{Table: "users", Name: "i", Columns: []string{"name"}}
	require.Equal(t, "somebody else is at it", plan(t, pool, op)[0].Problem)
	err := ddl.New(pool, impatient).Run(t.Context(), op)
	var is *ddl.BlockedError
	require.ErrorAs(t, err, &is)
	require.Contains(t, []string{is.Blockers[0].Query, is.Blockers[1].Query}, create)
	end()
	require.NoError(t, <-built)
	require.NoError(t, run(t, pool, op))
}

// A run that ends in the middle leaves what any CREATE INDEX CONCURRENTLY leaves.
func TestAnIndexWhoseRunWasCancelled(t *testing.T) {
	pool := fresh(t, users)
	end := hold(t, pool, pgx.TxOptions{}, "UPDATE users SET id = id")
	op := ddl.CreateIndex{Table: "users", Name: "i", Columns: []string{"name"}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	go func() { ended <- ddl.New(pool, ddl.Config{Logger: silent}).Run(ctx, op) }()
	for len(query(t, pool, "SELECT 1 FROM pg_class WHERE relname = 'i'")) == 0 { // it will come
	}
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Contains(t, state(t, pool), "CREATE INDEX i ON public.users USING btree (name) invalid")
	end()
	require.NoError(t, run(t, pool, op))
	require.Contains(t, state(t, pool), "CREATE INDEX i ON public.users USING btree (name)")
}
