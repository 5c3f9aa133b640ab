package ddl_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat/ddl"
)

func TestAColumnThatIsReferredToIsNotDropped(t *testing.T) {
	pool := open(t, pgtestWith(t, map[string]string{"shared_preload_libraries": "pg_stat_statements", "wal_level": "logical"}), 4)
	execute(t, pool, users+`; CREATE SCHEMA extra; CREATE EXTENSION pg_stat_statements SCHEMA extra;
		ALTER TABLE users ALTER name SET DEFAULT 'x', ADD upper text GENERATED ALWAYS AS (upper(name)) STORED;
		CREATE VIEW names AS SELECT id, name FROM users;
		CREATE VIEW ids AS SELECT id FROM users;
		CREATE INDEX users_name_idx ON users (name); CREATE INDEX users_lower_idx ON users (lower(name)); CREATE INDEX users_where_idx ON users (id) WHERE name <> '';
		ALTER TABLE users ADD CONSTRAINT named CHECK (name <> ''), ADD CONSTRAINT users_name_key UNIQUE (name);
		CREATE TABLE other (name text REFERENCES users (name));
		CREATE POLICY own ON users USING (name = current_user);
		CREATE STATISTICS st ON name, team FROM users;
		CREATE FUNCTION greet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'a'; RETURN NEW; END $$;
		CREATE FUNCTION surname() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
		CREATE TRIGGER greets BEFORE UPDATE ON users FOR EACH ROW WHEN (OLD.name IS NULL) EXECUTE FUNCTION greet();
		CREATE TRIGGER of BEFORE UPDATE OF name ON users FOR EACH ROW EXECUTE FUNCTION greet()`)
	lists := version(t, pool) >= 15 // of columns, in publications
	if lists {
		execute(t, pool, "CREATE PUBLICATION p FOR TABLE users (id, name)")
	}
	require.NotEmpty(t, query(t, pool, "SELECT name FROM users WHERE id = 1"))
	op := ddl.DropColumn{Table: "users", Column: "name"}
	err := run(t, pool, op)
	var is *ddl.ReferencedError
	require.ErrorAs(t, err, &is)
	var names []string
	statement := ""
	for _, r := range is.References {
		if len(r.Name) > 10 && r.Name[:10] == "statement " {
			statement = r.Name
			require.Contains(t, r.Remedy, "has been run 1 times")
			require.Contains(t, r.Remedy, "SELECT name FROM users WHERE id = ")
			continue
		}
		names = append(names, r.Name)
	}
	want := []string{
		"column upper of table users", "view names", "index users_name_idx", "index users_lower_idx", "index users_where_idx",
		"constraint named on table users", "constraint users_name_key on table users", "constraint other_name_fkey on table other",
		"policy own on table users", "statistics object st", "trigger greets on table users", "trigger of on table users",
		"function greet()",
	}
	if lists {
		want = append(want, "publication of table users in publication p")
	}
	require.ElementsMatch(t, want, names)
	require.NotEmpty(t, statement)
	require.ErrorContains(t, err, "index users_name_idx: DropIndex before this")
	require.ErrorContains(t, err, "constraint named on table users: DropConstraint before this")
	require.Contains(t, plan(t, pool, op).String(), "refused: view names: change it")

	op.Accept = []string{statement, "function greet()", "view names"} // the last is of no use
	require.ErrorAs(t, run(t, pool, op), &is)
	require.Len(t, is.References, len(names)-1)

	execute(t, pool, `DROP VIEW names; DROP TABLE other; DROP POLICY own ON users; DROP STATISTICS st; DROP TRIGGER greets ON users; DROP TRIGGER of ON users;
		DROP PUBLICATION IF EXISTS p; ALTER TABLE users DROP upper`)
	ops := []ddl.Operation{
		ddl.DropIndex{Table: "users", Name: "users_name_idx"},
		ddl.DropIndex{Table: "users", Name: "users_lower_idx"},
		ddl.DropIndex{Table: "users", Name: "users_where_idx"},
		ddl.DropConstraint{Table: "users", Name: "users_name_key"},
		ddl.DropConstraint{Table: "users", Name: "named"},
		op,
	}
	require.NoError(t, run(t, pool, ops...))
	require.NoError(t, run(t, pool, ops...))
	require.NotContains(t, state(t, pool), "column name text default 'x'::text")
}

// The extension is there, but the server does not count.
func TestNoStatisticsAreNoReasonToRefuse(t *testing.T) {
	pool := fresh(t, users+"; CREATE EXTENSION pg_stat_statements")
	require.NoError(t, run(t, pool, ddl.DropColumn{Table: "users", Column: "name"}))
}

func TestWhatGoesWithAColumn(t *testing.T) {
	pool := fresh(t, "")
	op := ddl.DropColumn{Table: "users", Column: "old"}
	for _, column := range []string{"old int NOT NULL DEFAULT 1", "old serial", "old int GENERATED ALWAYS AS IDENTITY"} {
		again(t, pool, "CREATE TABLE users (id int, "+column+"); COMMENT ON COLUMN users.old IS 'old'; GRANT SELECT (old) ON users TO PUBLIC")
		require.NoError(t, run(t, pool, op), column)
		require.Equal(t, []string{"column id integer"}, state(t, pool))
	}
	again(t, pool, "CREATE TABLE users (id int, old serial); ALTER TABLE users ALTER id SET DEFAULT nextval('users_old_seq')")
	require.ErrorContains(t, run(t, pool, op), "default value for column id of table users depends on sequence users_old_seq")
}
