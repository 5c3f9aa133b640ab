package dbcompat_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
)

func TestWhatContradictsItself(t *testing.T) {
	good := func(change func(*dbcompat.Columns)) dbcompat.Columns {
		c := dbcompat.Columns{
			Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"display_name"},
			Up: []string{"name"}, Down: []string{"display_name"}, Types: []string{"text"},
		}
		change(&c)
		return c
	}
	up := func(e string) dbcompat.Columns {
		return good(func(c *dbcompat.Columns) { c.Up = []string{e} })
	}
	typed := func(name string) dbcompat.Columns {
		return good(func(c *dbcompat.Columns) { c.Types = []string{name} })
	}
	table := func(name string) dbcompat.Columns {
		return good(func(c *dbcompat.Columns) { c.Table = name })
	}
	long := strings.Repeat("x", 64)
	tests := map[string]struct {
		columns dbcompat.Columns
		want    []string
	}{
		"nothing": {good(func(*dbcompat.Columns) {}), nil},
		"everything": {dbcompat.Columns{}, []string{
			`dbcompat: columns of "": Table: it is no name: give users, or shop.users`,
			`dbcompat: columns of "": Key is empty: name the columns of the primary key, or of a unique one that is NOT NULL`,
			`dbcompat: columns of "": Old and New have to name a column at least`,
		}},
		"no schema before the dot":   {table(".users"), []string{`dbcompat: columns of ".users": Table: it is no name: give users, or shop.users`}},
		"no table behind the dot":    {table("shop."), []string{`dbcompat: columns of "shop.": Table: it is no name: give users, or shop.users`}},
		"three parts":                {table("db.shop.users"), []string{`dbcompat: columns of "db.shop.users": Table: it has too many dots: give users, shop.users, or shop."my.users"`}},
		"a dot in quotes":            {table(`shop."my.users"`), nil},
		"a quote that is not closed": {table(`"users`), nil}, // it is a part of the name
		"a name that is cut off": {good(func(c *dbcompat.Columns) { c.New = []string{long} }), []string{
			`dbcompat: columns of "users": New[0], "` + long + `": a name has 63 bytes at most: give it as it is in the database`,
		}},
		"a NUL": {good(func(c *dbcompat.Columns) { c.Old = []string{"na\x00me"} }), []string{
			`dbcompat: columns of "users": Old[0], "na\x00me": no name is like this: give it in UTF-8, without a NUL`,
		}},
		"old and new the same": {good(func(c *dbcompat.Columns) { c.New = c.Old }), []string{
			`dbcompat: columns of "users": "name" is there twice: a column is replaced by another one`,
		}},
		"a key that is being filled": {good(func(c *dbcompat.Columns) { c.Key = c.New }), []string{
			`dbcompat: columns of "users": "display_name" is twice in Key, or is being filled: name a key of other columns`,
		}},
		"a key with a gap": {good(func(c *dbcompat.Columns) { c.Key = []string{"tenant", ""} }), []string{
			`dbcompat: columns of "users": Key[1], "": it is empty: give the column's name`,
		}},
		"two for one": {good(func(c *dbcompat.Columns) { c.New, c.Up = []string{"first_name", "last_name"}, nil }), []string{
			`dbcompat: columns of "users": Up has 0 expressions for 2 columns: give one for each of first_name, last_name`,
			`dbcompat: columns of "users": Types has 1 for 2 columns: give one for each of New, or none`,
		}},
		"an expression that is empty": {up(" "), []string{`dbcompat: columns of "users": Up[0],  : it is empty: give an SQL expression`}},
		"two statements":              {up("name; DROP TABLE users"), []string{`dbcompat: columns of "users": Up[0], name; DROP TABLE users: it has a semicolon: give one expression`}},
		"a semicolon in a text":       {up("name || ';'"), nil},
		"two expressions":             {up("name, name"), []string{`dbcompat: columns of "users": Up[0], name, name: it has a comma outside of brackets: give one expression for each column`}},
		"a parameter":                 {up("$1"), []string{`dbcompat: columns of "users": Up[0], $1: it has a parameter: name the column, which is exchanged for one where that is right`}},
		"a comment":                   {up("name -- )"), []string{`dbcompat: columns of "users": Up[0], name -- ): it has a comment: say it in the program`}},
		"a bracket too many":          {up("name) FROM users; --"), []string{`dbcompat: columns of "users": Up[0], name) FROM users; --: it has a comment: say it in the program`}},
		"a bracket of the other kind": {up("(name]"), []string{`dbcompat: columns of "users": Up[0], (name]: it closes a bracket that it has not opened`}},
		"a bracket that stays open":   {up("lower(name"), []string{`dbcompat: columns of "users": Up[0], lower(name: it opens a bracket that it does not close`}},
		"a text that stays open":      {up("name || 'x"), []string{`dbcompat: columns of "users": Up[0], name || 'x: a ' is not closed`}},
		"a type":                      {typed("numeric(10, 2)"), nil},
		"a type of many words":        {typed("timestamp(3) with time zone"), nil},
		"an array":                    {typed(`shop."Mood Swing"[]`), nil},
		"a type of an extension":      {typed("geometry(Point,4326)"), nil},
		"a type of a negative scale":  {typed("numeric(5,-2)"), nil},
		"a type with a comment":       {typed("text(--)"), []string{`dbcompat: columns of "users": Types[0], "text(--)", is no type: give its name, as in numeric(10,2)`}},
		"a type that is more":         {typed("text, admin = true"), []string{`dbcompat: columns of "users": Types[0], "text, admin = true", is no type: give its name, as in numeric(10,2)`}},
		"a type with a condition":     {typed("text WHERE true"), []string{`dbcompat: columns of "users": Types[0], "text WHERE true", is no type: give its name, as in numeric(10,2)`}},
		"no type":                     {typed(""), []string{`dbcompat: columns of "users": Types[0], "", is no type: give its name, as in numeric(10,2)`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := test.columns.Check()
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, strings.Join(test.want, "\n"))
		})
	}
}

func TestColumnIsOneOfColumns(t *testing.T) {
	c := dbcompat.Column[int64]{Table: "items", Key: "order_id, line", Old: "count", New: "quantity", Up: "count::bigint", Down: "quantity::int", Type: "bigint"}
	require.Equal(t, dbcompat.Columns{
		Table: "items", Key: []string{"order_id", "line"}, Old: []string{"count"}, New: []string{"quantity"},
		Up: []string{"count::bigint"}, Down: []string{"quantity::int"}, Types: []string{"bigint"},
	}, c.Columns())
	require.NoError(t, c.Check())
	for _, s := range stages {
		require.Equal(t, c.Columns().Set(s, 3), c.Set(s, 3))
		require.Equal(t, c.Columns().SetTo(s, "i", "quantity + 1"), c.SetTo(s, "i", "quantity + 1"))
		require.Equal(t, c.Columns().SetExcluded(s), c.SetExcluded(s))
		require.Equal(t, c.Columns().Select(s, "i"), c.Select(s, "i"))
		require.Equal(t, c.Columns().Believed(s, "i"), []string{c.Believed(s, "i")})
		_, wantErr := func() (any, error) { _, _, err := c.Columns().Copy(s); return nil, err }()
		columns, row, err := c.Copy(s)
		require.Equal(t, wantErr, err)
		if err == nil {
			require.Equal(t, []string{"quantity"}, columns)
			require.Equal(t, []any{int64(7)}, row(7))
		}
	}
	require.ErrorContains(t, dbcompat.Column[int64]{}.Check(), "Key is empty")
}

func TestStageIsText(t *testing.T) {
	for _, s := range stages {
		text, err := s.MarshalText()
		require.NoError(t, err)
		var back dbcompat.Stage
		require.NoError(t, back.UnmarshalText([]byte(" "+strings.ToUpper(strings.ReplaceAll(string(text), "-", "_"))+"\n")))
		require.Equal(t, s, back)
		require.Equal(t, string(text), s.String())
		got, err := dbcompat.Fixed(s)(t.Context())
		require.NoError(t, err)
		require.Equal(t, s, got)
	}
	stage := dbcompat.ReadNew
	require.EqualError(t, stage.UnmarshalText([]byte("v2")), `dbcompat: parse stage: "v2" is none: give old, dual-write, read-new, new`)
	require.Equal(t, dbcompat.ReadNew, stage, "what cannot be read changes nothing")
	_, err := dbcompat.Stage(9).MarshalText()
	require.EqualError(t, err, "dbcompat: Stage(9) is no stage")
	require.False(t, dbcompat.Stage(0).Neighbours(dbcompat.Old))
}

func TestMismatches(t *testing.T) {
	conn := connect(t, "CREATE TABLE users (id bigint PRIMARY KEY, name text, display_name text)",
		"INSERT INTO users SELECT i, 'a', CASE WHEN i > 5 THEN 'b' ELSE 'a' END FROM generate_series(1, 17) i")
	name := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}
	var m dbcompat.Mismatches
	rows, err := conn.Query(t.Context(), "SELECT id, "+name.Select(dbcompat.DualWrite, "u")+" FROM users u ORDER BY id")
	require.NoError(t, err)
	for rows.Next() {
		var id int64
		var value string
		require.NoError(t, rows.Scan(append([]any{&id}, name.Into(dbcompat.DualWrite, &value, &m, &id, "shard 3", nil, (*int)(nil))...)...))
		require.Equal(t, "a", value, "old is believed")
	}
	require.NoError(t, rows.Err())
	compared, differ := m.Counts()
	require.EqualValues(t, 17, compared)
	require.EqualValues(t, 12, differ)
	samples := m.Samples()
	require.Len(t, samples, 10)
	require.Equal(t, dbcompat.Sample{Stage: dbcompat.DualWrite, Key: "8, shard 3, <nil>, <nil>"}, samples[0])
	require.Equal(t, "17, shard 3, <nil>, <nil>", samples[9].Key)

	// The row of an outer join that is not there.
	var none *string
	optional := dbcompat.Column[*string]{Table: "users", Key: "id", Old: "name", New: "display_name"}
	sql := "SELECT " + optional.Select(dbcompat.New, "u") + ", NULL::boolean FROM (SELECT) one LEFT JOIN users u ON false"
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(optional.Into(dbcompat.ReadNew, &none, &m)...))
	again, _ := m.Counts()
	require.Equal(t, compared, again)
}

func TestAdded(t *testing.T) {
	plan := dbcompat.Added[string]{Table: "shop.users", Key: "id", Column: "Plan", Fill: "lower(country)"}
	require.NoError(t, plan.Check())
	conn := connect(t, "CREATE SCHEMA shop; CREATE TABLE shop.users (id bigint PRIMARY KEY, country text NOT NULL)",
		"INSERT INTO shop.users VALUES (1, 'DE')",
		`ALTER TABLE shop.users ADD COLUMN "Plan" text`, `ALTER TABLE shop.users ALTER COLUMN "Plan" SET DEFAULT 'free'`)
	read := func(id int) string {
		var value string
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT "+plan.Select("u")+" FROM "+plan.Relation()+" u WHERE id = $1", id).Scan(plan.Into(&value)...))
		return value
	}
	execute(t, conn, "INSERT INTO shop.users (id, country) VALUES (2, 'FR')") // by who does not know of it
	column, value := plan.Insert(3)
	insert := "INSERT INTO shop.users (id, country, " + column + ") VALUES ($1, $2, " + value + ") ON CONFLICT (id) DO UPDATE SET " + plan.SetExcluded()
	execute(t, conn, insert, 3, "IT", "pro")
	execute(t, conn, insert, 3, "IT", "max")
	execute(t, conn, "UPDATE shop.users SET "+plan.Set(2)+" WHERE id = $1", 2, "team")
	require.Equal(t, []string{"de", "team", "max"}, []string{read(1), read(2), read(3)})
	set, where := plan.Missing()
	execute(t, conn, "UPDATE "+plan.Relation()+" SET "+set+" WHERE "+where)
	execute(t, conn, `ALTER TABLE shop.users ALTER COLUMN "Plan" SET NOT NULL`)
	require.Equal(t, []string{"(1,DE,de)", "(2,FR,team)", "(3,IT,max)"}, text(t, conn, "shop.users", "id"))
	require.Equal(t, []string{"de", "team", "max"}, []string{read(1), read(2), read(3)})
	require.Equal(t, `COALESCE("Plan", (lower(country)))`, plan.Believed(""))

	require.EqualError(t, dbcompat.Added[int]{Table: "users", Key: "id,", Column: "plan", Fill: "upper(PLAN)"}.Check(), strings.Join([]string{
		`dbcompat: added column of "users": Key: it is empty: give the column's name`,
		`dbcompat: added column of "users": Fill: it is over the column that is being filled: name others`,
	}, "\n"))
	require.EqualError(t, dbcompat.Added[int]{Table: "users", Key: "tenant, plan", Column: "plan", Fill: "1"}.Check(),
		`dbcompat: added column of "users": Key: "plan" is in it twice, or is being filled: name a key of other columns`)
	var several interface{ Unwrap() []error }
	require.True(t, errors.As(dbcompat.Added[int]{}.Check(), &several))
	require.Len(t, several.Unwrap(), 4)
}
