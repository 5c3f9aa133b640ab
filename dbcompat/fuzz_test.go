package dbcompat_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
)

// FuzzNames makes tables of any names and lets PostgreSQL judge: the statements write and
// read these columns, and nothing but these.
func FuzzNames(f *testing.F) {
	for _, names := range [][3]string{
		{"users", "name", "display_name"},
		{"Users", "Name", "NAME"},
		{"order", "select", "from"},
		{`a"b`, `"`, `""`},
		{`users"; DROP TABLE ledger; --`, `x" = '', "admin`, `y") VALUES ('1'); --`},
		{"'", "''", `\`},
		{"$1", "$$", "$2::text"},
		{"?", ":name", "@p1"},
		{" ", "\t", "\n"},
		{"Größe", "naïve", "名前"},
		{"a b", "/*", "*/"},
		{"xmin ", "a.b", "c.d.e"},
		{`e'\'`, `U&"x"`, "\u00a0"},
	} {
		f.Add(names[0], names[1], names[2])
	}
	conn := connect(f, "CREATE TABLE ledger (entry text)", "INSERT INTO ledger VALUES ('here')")
	f.Fuzz(func(t *testing.T, table, old, renamed string) {
		name := dbcompat.Column[string]{Table: dbcompat.Quote(table), Key: "k", Old: old, New: renamed}
		if name.Check() != nil || old == "k" || table == "ledger" {
			return
		}
		tx, err := conn.Begin(t.Context())
		require.NoError(t, err)
		defer func() { require.NoError(t, tx.Rollback(t.Context())) }()
		_, err = tx.Exec(t.Context(), fmt.Sprintf("CREATE TABLE %s (k int PRIMARY KEY, %s text, %s text, z text DEFAULT 'z')",
			name.Relation(), dbcompat.Quote(old), dbcompat.Quote(renamed)))
		if pgErr := new(pgconn.PgError); err != nil {
			require.ErrorAs(t, err, &pgErr)
			require.Equal(t, "42701", pgErr.Code, "%v: a system column's name, or z", err) // is a column twice
			return
		}
		for k, s := range stages {
			columns, places := name.Insert(s, 2)
			run(t, tx, fmt.Sprintf("INSERT INTO %s (k, %s) VALUES ($1, %s)", name.Relation(), columns, places), k, "inserted")
			run(t, tx, fmt.Sprintf("UPDATE %s SET %s WHERE k = $1", name.Relation(), name.Set(s, 2)), k, "updated")
			var got, rest string
			require.NoError(t, tx.QueryRow(t.Context(), fmt.Sprintf("SELECT z, %s FROM %s WHERE k = $1 AND %s = $2",
				name.Select(s, table), name.Relation(), name.Believed(s, "")), k, "updated").Scan(append([]any{&rest}, name.Into(s, &got, nil)...)...))
			require.Equal(t, []string{"updated", "z"}, []string{got, rest})
			run(t, tx, "DELETE FROM "+name.Relation())
		}
		require.Equal(t, 1, run(t, tx, "UPDATE ledger SET entry = entry"))
	})
}

func run(t *testing.T, tx pgx.Tx, sql string, args ...any) int {
	t.Helper()
	tag, err := tx.Exec(t.Context(), sql, args...)
	require.NoError(t, err, sql)
	return int(tag.RowsAffected())
}

// FuzzExpressions puts whatever Check lets pass between two constants, in front of a
// parameter. If PostgreSQL can read it, these have to be where they were.
func FuzzExpressions(f *testing.F) {
	for _, e := range []string{
		"name", `"name"`, "lower(name)", "name || ' ' || NAME", "name::varchar(3)", "name COLLATE \"C\"", "(name)",
		"'name'", "E'\\'name'", "$$name$$", "$a$ name $a$", "X'ff'::text", "N'name'", "U&'\\0061'", "B'1'::text",
		"1) , (2", "1), (2", "name) FROM users --", "name FROM users", "name; SELECT 1", "1 /*", "1 --", "$1", "$2",
		"name AS other", "name other", "CASE name WHEN 'a' THEN 'b' ELSE name END", "CAST(name AS text)", "(SELECT name)",
		"ARRAY[name, name]", "(ARRAY[name])[1:2]", "name IN ('a', 'b')", "EXTRACT(year FROM now())::text",
		"users.name", "u.name", "name(1)", "row(name, 1)", "1e5", "1.5e5name", "名前", "name UNION SELECT '1'", "*", "name, *", "",
		"name WHERE true", "name ORDER BY 1", "'\\') , ('", "name ISNULL", "NOT (name = 'a')", "-1", "name !~~ 'a'", "name ->> 'a'",
	} {
		f.Add(e, "text")
		f.Add("name", e)
	}
	conn := connect(f, "CREATE TABLE users (k int, name text, display_name text)")
	f.Fuzz(func(t *testing.T, e, kind string) {
		c := dbcompat.Columns{
			Table: "users", Key: []string{"k"}, Old: []string{"name"}, New: []string{"display_name"},
			Up: []string{e}, Down: []string{"display_name"}, Types: []string{kind},
		}
		if c.Check() != nil {
			return
		}
		for _, s := range stages {
			_, values := c.Insert(s, 1)
			for sql, want := range map[string]int{
				"SELECT 'a' AS a, " + c.Select(s, "") + ", 'z' AS z FROM users WHERE name = $1::text":                                   3,
				"SELECT 'a' AS a, " + c.Believed(s, "users")[0] + ", 'z' AS z FROM users WHERE name = $1::text":                         3,
				"SELECT 'a' AS a, " + values + ", 'z' AS z FROM users":                                                                  3,
				"UPDATE users SET " + c.SetTo(s, "", "display_name || display_name") + ", k = k WHERE name = $1::text RETURNING 'a', k": 2,
			} {
				got, err := conn.Prepare(t.Context(), "", sql)
				if err != nil {
					require.NotContains(t, err.Error(), "multiple commands", sql)
					continue
				}
				require.Len(t, got.ParamOIDs, 1, sql)
				fields := len(got.Fields)
				if s.Compares() && fields == 4 {
					fields-- // both values, or the boolean
				}
				require.Equal(t, want, fields, sql)
				require.Contains(t, []string{"z", "k"}, got.Fields[len(got.Fields)-1].Name, sql)
			}
		}
	})
}
