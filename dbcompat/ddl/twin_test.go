package ddl_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat/ddl"
)

func TestATwinGetsWhatTheOldColumnHas(t *testing.T) {
	pool := fresh(t, users+`; CREATE SCHEMA f; CREATE FUNCTION f.clean(text) RETURNS text IMMUTABLE LANGUAGE sql RETURN lower($1);
		ALTER TABLE users ALTER name SET DEFAULT 'it''s', ALTER name SET NOT NULL, ADD "Display Name" text;
		UPDATE users SET "Display Name" = name;
		CREATE TABLE names (name text PRIMARY KEY, team int, UNIQUE (team, name)); INSERT INTO names SELECT name, team FROM users;
		COMMENT ON COLUMN users.name IS E'what \\ it''s called';
		CREATE INDEX users_name_idx ON users USING btree (team, name text_pattern_ops DESC NULLS LAST) INCLUDE (id) WITH (fillfactor = 70) WHERE name <> 'name';
		CREATE INDEX " USING name" ON users (f.clean(name), (name || 'name') COLLATE "C");
		CREATE UNIQUE INDEX pair ON users (name, "Display Name"); CREATE INDEX other ON users (team);
		ALTER TABLE users ADD CONSTRAINT users_name_key UNIQUE (name) INCLUDE (id), ADD CONSTRAINT short CHECK (length(name) < 80 AND name <> '"name"'),
			ADD CONSTRAINT fk FOREIGN KEY (team, name) REFERENCES names (team, name) ON UPDATE CASCADE DEFERRABLE NOT VALID`)
	before := state(t, pool)
	op := ddl.CopyTwin{Table: "users", Old: "name", New: "Display Name"}
	steps := plan(t, pool, op)
	require.Equal(t, before, state(t, pool), "a plan changes nothing")
	require.NoError(t, run(t, pool, op))
	require.Equal(t, []string{
		"- column Display Name text",
		`+ CREATE INDEX " USING Display Name" ON public.users USING btree (f.clean("Display Name"), (("Display Name" || 'name'::text)) COLLATE "C")`,
		`+ CREATE INDEX "users_Display Name_idx" ON public.users USING btree (team, "Display Name" text_pattern_ops DESC NULLS LAST) INCLUDE (id) WITH (fillfactor='70') WHERE ("Display Name" <> 'name'::text)`,
		`+ CREATE UNIQUE INDEX "users_Display Name_key" ON public.users USING btree ("Display Name") INCLUDE (id)`,
		`+ column Display Name text default 'it''s'::text comment what \ it's called`,
		`+ constraint fk_Display Name FOREIGN KEY (team, "Display Name") REFERENCES names(team, name) ON UPDATE CASCADE DEFERRABLE`,
		`+ constraint short_Display Name CHECK (((length("Display Name") < 80) AND ("Display Name" <> '"name"'::text)))`,
		`+ constraint users_Display Name_key UNIQUE ("Display Name") INCLUDE (id)`,
	}, changed(before, state(t, pool)))
	require.NoError(t, run(t, pool, op), "a second time")
	for _, s := range plan(t, pool, op) {
		require.True(t, s.Done, s.SQL)
	}
	for _, s := range slices.Backward(steps) {
		if s.Undo != "" {
			execute(t, pool, s.Undo)
		}
	}
	require.Equal(t, before, state(t, pool))
}

func TestWhatATwinCannotGet(t *testing.T) {
	tests := map[string]struct {
		table string
		want  []string
	}{
		"a primary key": {
			"CREATE TABLE users (old int CONSTRAINT k PRIMARY KEY, new int); CREATE TABLE o (a int CONSTRAINT f REFERENCES users)",
			[]string{`"k": PRIMARY KEY (old)`, `"f": a foreign key of public.o refers to it`},
		},
		"a sequence":  {"CREATE TABLE users (old serial, new int)", []string{`"default": it takes its value from a sequence`}},
		"an identity": {"CREATE TABLE users (old int GENERATED ALWAYS AS IDENTITY, new int)", []string{`"identity": it is an identity column`}},
		"a value":     {"CREATE TABLE users (a int, old int GENERATED ALWAYS AS (a) STORED, new int)", []string{`"generated": it is a generated column`}},
		"rights":      {"CREATE TABLE users (old int, new int); GRANT SELECT (old) ON users TO PUBLIC", []string{`"rights": there are rights on the column`}},
		"others": {
			"CREATE TABLE users (old int CONSTRAINT d UNIQUE DEFERRABLE, new int, CONSTRAINT e EXCLUDE (old WITH =))",
			[]string{`"d": UNIQUE (old) DEFERRABLE`, `"e": EXCLUDE USING btree (old WITH =)`},
		},
	}
	pool := fresh(t, "")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			again(t, pool, tt.table)
			op := ddl.CopyTwin{Table: "users", Old: "old", New: "new"}
			err := run(t, pool, op)
			require.ErrorContains(t, err, "ddl: run: copy twin users.old to new: not all of it can be copied")
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
				name, _, _ := strings.Cut(want[1:], `"`)
				op.Leave = append(op.Leave, name)
			}
			require.NoError(t, run(t, pool, op))
		})
	}
}

// The names of copies are cut, and are different all the same.
func TestATwinWithLongNames(t *testing.T) {
	long := strings.Repeat("x", 60)
	pool := fresh(t, "CREATE TABLE users (old int, new int CONSTRAINT c CHECK (new > 0)); CREATE INDEX "+long+"1 ON users (old); CREATE INDEX "+long+"2 ON users (old DESC)")
	op := ddl.CopyTwin{Table: "users", Old: "old", New: "new"}
	require.NoError(t, run(t, pool, op))
	require.NoError(t, run(t, pool, op))
	require.Len(t, query(t, pool, "SELECT FROM pg_index WHERE indrelid = 'users'::regclass"), 4)
}
