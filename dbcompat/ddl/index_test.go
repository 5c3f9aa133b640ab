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

// IF NOT EXISTS is content with any index of the name; this one with the same only, however
// it is written.
func TestAnIndexOfTheNameIsComparedWithWhatIsAskedFor(t *testing.T) {
	const table = `CREATE SCHEMA f; CREATE FUNCTION f.clean(text) RETURNS text IMMUTABLE LANGUAGE sql RETURN lower($1);
		CREATE TABLE users (gone int, name text COLLATE "C", team int, n int GENERATED ALWAYS AS (team + 1) STORED); ALTER TABLE users DROP gone; `
	columns := func(names ...string) ddl.CreateIndex {
		return ddl.CreateIndex{Table: "users", Name: "i", Columns: names}
	}
	by := func(definition string) ddl.CreateIndex {
		return ddl.CreateIndex{Table: "users", Name: "i", Definition: definition}
	}
	tests := map[string]struct {
		there string
		op    ddl.CreateIndex
		other string // what the error says of the two; empty if they are the same
	}{
		"the same":             {"CREATE INDEX i ON users (team, name)", columns("team", "name"), ""},
		"in other words":       {"CREATE INDEX i ON users (lower(name)) WHERE team>1 AND name<>''", by(`USING BTREE ( lower("users".name) ASC NULLS LAST ) where (team > 1) and ((name <> ''))`), ""},
		"a value":              {"CREATE INDEX i ON users (n)", by("(n)"), ""},
		"a function elsewhere": {"CREATE INDEX i ON users (f.clean(name), name text_pattern_ops) INCLUDE (n)", by("(f.clean(name), name text_pattern_ops) INCLUDE (n)"), ""},
		"the collation of it":  {"CREATE INDEX i ON users (name)", by(`(name COLLATE "C")`), ""},
		"a partial one":        {"CREATE INDEX i ON users (team) WHERE n > 0", columns("team"), "USING btree (team) WHERE (n > 0), and asked for is USING btree (team): "},
		"another kind":         {"CREATE INDEX i ON users USING hash (team)", columns("team"), "USING hash (team), and asked for is USING btree (team): "},
		"another order":        {"CREATE INDEX i ON users (team DESC)", columns("team"), "USING btree (team DESC), and asked for is USING btree (team): "},
		"another expression":   {"CREATE INDEX i ON users (lower(name))", by("(upper(name))"), "USING btree (lower(name)), and asked for is USING btree (upper(name)): "},
		"more in it":           {"CREATE INDEX i ON users (team) INCLUDE (n)", columns("team"), "USING btree (team) INCLUDE (n), and asked for is USING btree (team): "},
		"another collation":    {"CREATE INDEX i ON users (name)", by(`(name COLLATE "POSIX")`), `USING btree (name), and asked for is USING btree (name COLLATE "POSIX"): `},
		"another filling":      {"CREATE INDEX i ON users (team) WITH (fillfactor = 50)", columns("team"), "USING btree (team) WITH (fillfactor='50'), and asked for is USING btree (team): "},
	}
	pool := fresh(t, "")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			again(t, pool, "DROP SCHEMA IF EXISTS f CASCADE;"+table+tt.there)
			before := state(t, pool)
			planned := plan(t, pool, tt.op)[0]
			err := run(t, pool, tt.op)
			if tt.other == "" {
				require.NoError(t, err)
				require.True(t, planned.Done)
			} else {
				require.ErrorContains(t, err, "ddl: create index i on users: there is another index of that name: "+tt.other+"give this one another name, or DropIndex before")
				require.Contains(t, planned.Problem, tt.other)
			}
			require.Equal(t, before, state(t, pool))
			require.Equal(t, []string{"0"}, query(t, pool, "SELECT count(*) FROM pg_class WHERE relname = 'handover_likeness'"))
		})
	}

	again(t, pool, "DROP SCHEMA IF EXISTS f CASCADE;"+table+"CREATE UNIQUE INDEX i ON users (name) WHERE team > 0")
	require.ErrorContains(t, run(t, pool, ddl.Unique{Table: "users", Name: "i", Columns: []string{"name"}}), "there is another index of that name")

	// Of what is no SQL PostgreSQL says so, as it does where there is no index.
	require.ErrorContains(t, run(t, pool, ddl.CreateIndex{Table: "users", Name: "i", Unique: true, Definition: "(nome)"}),
		`compare it with the index that is there: ERROR: column "nome" does not exist`)
}

// An index of the name as another session can have it, whose names would do harm unquoted.
func TestNamesInADefinitionAreNoneOfAnIndex(t *testing.T) {
	pool := fresh(t, `CREATE SCHEMA "s USING. "; CREATE TABLE "s USING. "."t"" ON x.y USING " (a int, b int)`)
	op := ddl.CreateIndex{Table: `"s USING. "."t"" ON x.y USING "`, Name: `i" ON p.q USING btree (b`, Columns: []string{"a"}}
	require.NoError(t, run(t, pool, op))
	require.NoError(t, run(t, pool, op))
	op.Definition, op.Columns = "(b)", nil
	require.ErrorContains(t, run(t, pool, op), "there is another index of that name: USING btree (a), and asked for is USING btree (b)")
}

func TestACheckOfTheNameIsComparedWithWhatIsAskedFor(t *testing.T) {
	pool := fresh(t, users+"; ALTER TABLE users ADD CONSTRAINT c CHECK (length(name) > 1 AND team >= 0)")
	before := state(t, pool)
	for expression, want := range map[string]string{
		`((team>=0)) and false`:                    "there is another constraint of that name: CHECK (((length(name) > 1) AND (team >= 0))), and asked for is CHECK (((team >= 0) AND false)): give this one another name, or DropConstraint before",
		`length(users."name") > 1 and (team >= 0)`: "",
	} {
		op := ddl.Check{Table: "users", Name: "c", Expression: expression}
		planned, err := plan(t, pool, op), run(t, pool, op)
		require.Equal(t, want, planned[0].Problem)
		if want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "ddl: check c on users: "+want)
		}
		require.Equal(t, before, state(t, pool))
	}
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
