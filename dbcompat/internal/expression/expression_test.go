package expression_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/dbcompat/internal/expression"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhatIsTheColumn(t *testing.T) {
	tests := map[string]struct{ e, want string }{
		"alone":                        {"name", "<1>"},
		"in upper case":                {"lower(NAME)", "lower(<1>)"},
		"in quotes":                    {`"name"`, "<1>"},
		"in quotes, in upper case":     {`"Name"`, `"Name"`},
		"with quotes":                  {`"a""b"`, "<2>"},
		"a key word, in quotes":        {`CASE "end" WHEN 1 THEN 2 END`, `CASE <3> WHEN 1 THEN 2 END`},
		"a part of a name":             {"name2 || rename || na$me", "name2 || rename || na$me"},
		"a part of a name in Unicode":  {"naïvename || name\u0301", "naïvename || name\u0301"},
		"of another table":             {"u.name", "u.name"},
		"of another table, with space": {`"u" . name`, `"u" . name`},
		"the table":                    {"name.x", "name.x"},
		"a field of it":                {"(name).x", "(<1>).x"},
		"a function":                   {"name (x)", "name (x)"},
		"a type":                       {"x::name", "x::name"},
		"cast":                         {"name::text", "<1>::text"},
		"a type, in words":             {"CAST(name AS name)", "CAST(<1> AS name)"},
		"in a text":                    {"'name' || E'\\'name' || $$name$$ || $a$name$a$ || name", "'name' || E'\\'name' || $$name$$ || $a$name$a$ || <1>"},
		"the prefix of a text":         {"name'ff'", "name'ff'"},
		"in a number":                  {"1e5 + e5", "1e5 + <4>"},
		"an element, and a slice":      {"name[1:e5]", "<1>[1:<4>]"},
		"twice":                        {"name+name", "<1>+<1>"},
		"the type of a text":           {"name 'x' < name || e5 $$x$$", "name 'x' < <1> || e5 $$x$$"},
		"a zone":                       {"at AT TIME ZONE zone = time", "<5> AT TIME ZONE <7> = <6>"},
		"a time in a zone":             {"time at time\nzone 'UTC'", "<6> at time\nzone 'UTC'"},
		"a type with a zone":           {"at::timestamp with time zone - CAST(zone AS time with time zone)", "<5>::timestamp with time zone - CAST(<7> AS time with time zone)"},
		"a collation":                  {`name COLLATE "name"`, `<1> COLLATE "name"`},
		"a field of a time":            {"extract(time FROM time) || substr(time FROM 2)", "extract(time FROM <6>) || substr(<6> FROM 2)"},
		"the unit of an interval":      {"interval '1' time + time", "interval '1' time + <6>"},
		"a key word, as a column":      {`"at" AT TIME ZONE "time"`, "<5> AT TIME ZONE <6>"},
	}
	columns := []string{"name", `a"b`, "end", "e5", "at", "time", "zone"}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, expression.Check(test.e))
			got, err := expression.Substitute(test.e, columns, []string{"<1>", "<2>", "<3>", "<4>", "<5>", "<6>", "<7>"})
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			require.Equal(t, test.want != test.e, slices.ContainsFunc(columns, func(c string) bool { return expression.Mentions(test.e, c) }))
		})
	}
}

func TestAnExpressionInAStatementMayHaveParameters(t *testing.T) {
	got, err := expression.Substitute("stock + $2", []string{"stock"}, []string{`"quantity"`})
	require.NoError(t, err)
	require.Equal(t, `"quantity" + $2`, got)
	require.ErrorContains(t, expression.Check("stock + $2"), "it has a parameter")
}

func TestWhatIsNothingButAColumn(t *testing.T) {
	for e, want := range map[string]string{"name": "name", " Name ": "name", `"Name"`: "Name", "(name)": "", "'name'": "", "end": "", "1": "", "": "", "'": ""} {
		name, is := expression.Column(e)
		require.Equal(t, want, name, e)
		require.Equal(t, want != "", is, e)
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	for e, want := range map[string]string{
		"\xff": "it is not UTF-8", "a\x00": "it has a NUL", "'a": "a ' is not closed", `"a`: `a " is not closed`, `E'a\'`: "a ' is not closed",
		"$a$ $b$": "a $a$ is not closed", "/* */ 1": "it has a comment: say it in the program", `u&"name"`: `it has a U&"name": write the name itself`,
	} {
		require.EqualError(t, expression.Check(e), want)
		_, err := expression.Substitute(e, []string{"name", "a"}, []string{"<1>", "<2>"})
		require.EqualError(t, err, want)
		require.False(t, expression.Mentions(e, "a"))
	}
}

// FuzzSubstitute: what does not mention the column does not change, and nothing panics.
func FuzzSubstitute(f *testing.F) {
	f.Add(`lower(name) || "a""b" || 'x'''`, "name")
	f.Add("$tag$ $ta$ $tag$ 1e5.name", "tag")
	f.Add(`E'\\' || U&'\0061'`, "u")
	f.Fuzz(func(t *testing.T, e, column string) {
		name, is := expression.Column(e)
		if is {
			require.True(t, expression.Mentions(e, name))
		}
		if expression.Check(e) != nil {
			return
		}
		got, err := expression.Substitute(e, []string{column}, []string{"\x00"})
		require.NoError(t, err)
		require.Equal(t, expression.Mentions(e, column), got != e)
		_, _, _ = expression.CutQuoted(e)
	})
}
