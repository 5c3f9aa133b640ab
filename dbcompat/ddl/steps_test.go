package ddl_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat/ddl"
)

var update = flag.Bool("update", false, "write testdata anew")

// all has each operation once, with names that need their quotes.
var all = []ddl.Operation{
	ddl.AddColumn{Table: "users", Column: "display_name", Type: "varchar(80)"},
	ddl.SetDefault{Table: "shop.users", Column: "display_name", Default: "'nobody'"},
	ddl.DropNotNull{Table: "users", Column: "name"},
	ddl.SetNotNull{Table: "users", Column: "display_name"},
	ddl.Check{Table: "users", Name: "users_display_name_check", Expression: "length(display_name) > 0"},
	ddl.ForeignKey{Table: "users", Name: "users_team_fkey", Columns: []string{"team"}, References: "shop.teams", Referenced: []string{"id"}, Actions: "ON DELETE CASCADE"},
	ddl.ForeignKey{Table: "users", Name: "users_group_fkey", Columns: []string{"group"}, References: "groups"},
	ddl.CreateIndex{Table: "shop.users", Name: "users_display_name_idx", Columns: []string{"display_name", "id"}},
	ddl.CreateIndex{Table: "users", Name: "users_lower", Definition: "(lower(display_name)) WHERE id > 0", Unique: true},
	ddl.Unique{Table: "users", Name: "users_display_name_key", Columns: []string{"display_name"}},
	ddl.DropIndex{Table: "shop.users", Name: "users_name_idx"},
	ddl.DropConstraint{Table: "users", Name: "users_name_check"},
	ddl.DropColumn{Table: "users", Column: `na"me`},
}

func TestTheStepsOfEachOperation(t *testing.T) {
	for _, version := range []int{14, 17, 18, 19} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			plan, err := ddl.Steps(version, all...)
			require.NoError(t, err)
			file := filepath.Join("testdata", map[bool]string{true: "steps-14.golden", false: "steps-18.golden"}[version < 18])
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(plan.String()), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), plan.String())
		})
	}
}

func TestNoStepIsWhatHasAllWait(t *testing.T) {
	plan, err := ddl.Steps(15, all...)
	require.NoError(t, err)
	for _, s := range plan {
		if s.Lock == ddl.AccessExclusive || s.Lock == ddl.ShareRowExclusive {
			require.Equal(t, ddl.Instant, s.Cost, s.SQL)
		}
		require.NotContains(t, s.SQL, "IF NOT EXISTS", "it is content with an INVALID index")
		require.Equal(t, strings.Contains(s.SQL, " CONCURRENTLY "), s.Concurrently, s.SQL)
	}
}

func TestWhatContradictsItself(t *testing.T) {
	long := strings.Repeat("x", 64)
	tests := map[string]struct {
		op   ddl.Operation
		want []string
	}{
		"nothing at all":       {nil, []string{"operation 0 is nil"}},
		"a pointer":            {&ddl.CopyTwin{}, []string{"operation 0 is a pointer, *ddl.CopyTwin: give the value"}},
		"a pointer to nothing": {(*ddl.AddColumn)(nil), []string{"operation 0 is a pointer, *ddl.AddColumn"}},
		"a column of nothing": {ddl.AddColumn{}, []string{
			"Table is empty: give a name", "Column is empty: give a name", "Type is empty: give the SQL for it",
		}},
		"a database in the table's name":     {ddl.DropColumn{Table: "a.b.c", Column: "x"}, []string{`Table is a.b.c: give users, shop.users, or shop."my.users"`}},
		"a schema without a name":            {ddl.DropColumn{Table: ".c", Column: "x"}, []string{`Table is .c: give users`}},
		"three parts, one of them in quotes": {ddl.DropColumn{Table: `a."b.c".d`, Column: "x"}, []string{`Table is a."b.c".d: give users`}},
		"a part that would be cut":           {ddl.DropColumn{Table: `shop."` + long + `"`, Column: "x"}, []string{"Table[1] is 64 bytes long"}},
		"a table with a NUL":                 {ddl.DropColumn{Table: "us\x00ers", Column: "x"}, []string{"Table has a NUL"}},
		"a schema without a table":           {ddl.DropColumn{Table: "a.", Column: "x"}, []string{"Table is a.: give users"}},
		"a name that would be cut":           {ddl.SetNotNull{Table: "users", Column: long}, []string{"Column is 64 bytes long"}},
		"a name with a NUL":                  {ddl.DropNotNull{Table: "users", Column: "a\x00"}, []string{"Column has a NUL"}},
		"a default of nothing":               {ddl.SetDefault{Table: "users", Column: "a", Default: " "}, []string{"Default,  : it is empty: give an SQL expression"}},
		"a check of nothing":                 {ddl.Check{Table: "users", Name: "a"}, []string{"Expression, : it is empty: give an SQL expression"}},
		"a check that ends the bracket":      {ddl.Check{Table: "users", Name: "a", Expression: "n > 0) NOT VALID --"}, []string{"Expression, n > 0) NOT VALID --: it has a comment"}},
		"a default of two statements":        {ddl.SetDefault{Table: "users", Column: "a", Default: "'a'; DROP TABLE users"}, []string{"it has a semicolon: give one expression"}},
		"an index on nothing":                {ddl.CreateIndex{Table: "users", Name: "a"}, []string{"give either Columns or Definition"}},
		"an index on two things": {
			ddl.Unique{Table: "users", Name: "a", Columns: []string{"a", ""}, Definition: "(b)"},
			[]string{"Columns[1] is empty", "give either Columns or Definition"},
		},
		"a key of nothing": {ddl.ForeignKey{Table: "users", Name: "a", References: "teams"}, []string{"Columns is empty: name the columns that refer to teams"}},
		"a key that is too short": {
			ddl.ForeignKey{Table: "users", Name: "a", Columns: []string{"a", "b"}, References: "teams", Referenced: []string{"a"}},
			[]string{"Referenced has 1 columns and Columns 2"},
		},
		"a constraint without a name": {ddl.DropConstraint{Table: "users"}, []string{"Name is empty"}},
		"an index without a name":     {ddl.DropIndex{Table: "users"}, []string{"Name is empty"}},
		"a column as its own twin":    {ddl.CopyTwin{Table: "users", Old: "a", New: "a"}, []string{`Old and New are both "a"`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ddl.Steps(15, tt.op)
			require.Error(t, err)
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
	_, err := ddl.Steps(150004, all...)
	require.EqualError(t, err, "ddl: steps: version 150004 of PostgreSQL: give the first number of it, 15 of 15.4")
	_, err = ddl.Steps(13, all...)
	require.EqualError(t, err, "ddl: steps: version 13 of PostgreSQL: 14 is the oldest that is known")
	_, err = ddl.Steps(15, ddl.CopyTwin{Table: "users", Old: "a", New: "b"})
	require.EqualError(t, err, "ddl: steps: copy twin users.a to b: its steps depend on what the table has: use Runner.Plan")
}

// What is built from names never is more than one statement.
func FuzzNames(f *testing.F) {
	f.Add("users", "name", "team")
	f.Add(`shop.u"sers`, `a"; DROP TABLE users; --`, "b\\")
	f.Add("ü", "'", "$1")
	f.Add(`"a.b"."c"".d"`, `"`, `shop."my.users`)
	f.Fuzz(func(t *testing.T, table, column, other string) {
		plan, err := ddl.Steps(15,
			ddl.AddColumn{Table: table, Column: column, Type: "text"}, ddl.SetNotNull{Table: table, Column: column},
			ddl.ForeignKey{Table: table, Name: other, Columns: []string{column}, References: other},
			ddl.Unique{Table: table, Name: other, Columns: []string{column, other}}, ddl.DropColumn{Table: table, Column: column},
		)
		if err != nil {
			return
		}
		for _, s := range plan {
			outside := ""
			for i, part := range strings.Split(strings.ReplaceAll(s.SQL, `""`, ""), `"`) {
				if i%2 == 0 {
					outside += part
				}
			}
			require.NotRegexp(t, `[^A-Za-z_0-9 (),.]`, outside, s.SQL)
			require.Equal(t, 0, strings.Count(s.SQL, `"`)%2, s.SQL)
		}
	})
}
