package tree_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags/internal/tree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestANodeKnowsWhereItStands(t *testing.T) {
	root, mistakes := tree.Parse([]byte("{\n  \"a\": [1,\r\n\t{\"é\": null, \"b\": \"x\"}]\n}\n"))
	require.Empty(t, mistakes)
	var diary []string
	var walk func(path string, n *tree.Node)
	walk = func(path string, n *tree.Node) {
		diary = append(diary, fmt.Sprintf("%d:%d %s %v", n.Line, n.Column, path, n.Kind))
		for i, item := range n.Items {
			walk(tree.Index(path, i), item)
		}
		for _, member := range n.Members {
			walk(tree.Join(path, member.Name), member.Value)
		}
	}
	walk("", root)
	require.Equal(t, []string{
		"1:1  an object",
		"2:8 a an array",
		"2:9 a[0] a number",
		"3:2 a[1] an object",
		"3:9 a[1].é null",
		"3:20 a[1].b a string",
	}, diary, "columns count bytes, as editors and compilers do")
}

func TestDocumentsThatAreNoJSON(t *testing.T) {
	tests := map[string]struct{ document, want string }{
		"nothing":                       {"", `1:1: is empty; instead: {"flags": …}`},
		"spaces":                        {" \n\t", `1:1: is empty; instead: {"flags": …}`},
		"a byte order mark":             {"\xef\xbb\xbf{}", "1:1: begins with a byte order mark; instead: UTF-8 without one"},
		"UTF-16":                        {"\xff\xfe{\x00}\x00", "1:1: is UTF-16; instead: UTF-8"},
		"two documents":                 {"{}\n{}", "2:1: the document has ended, and here is more; instead: one value"},
		"half a document":               {`{"a":`, "1:6: a: the document ends before it is complete"},
		"half an object":                {`{`, `1:2: the document ends before it is complete; instead: '}'`},
		"an array that is not closed":   {`[1`, `1:3: the document ends before it is complete; instead: ']'`},
		"a string that is not closed":   {`["a`, `1:4: [0]: the document ends in a string; instead: "`},
		"a comment":                     {"{\n// why\n\"a\": 1}", `2:1: JSON has no comments; instead: a member "x-comment", or metadata`},
		"a comment in the middle":       {`{"a": /* why */ 1}`, `1:7: a: JSON has no comments; instead: a member "x-comment", or metadata`},
		"a comment at the end":          {"{} # why", `1:4: JSON has no comments; instead: a member "x-comment", or metadata`},
		"no number":                     {`{"a": NaN}`, "1:7: a: JSON has no NaN; instead: a number, or null"},
		"a number that is too large":    {`{"a": {"b": [0, 1e999]}}`, "1:17: a.b[1]: the number 1e999 is too large; instead: at most 1.79e308"},
		"a minus":                       {`-`, "1:2: a minus without digits; instead: a number"},
		"infinity, with its minus":      {`-Infinity`, "1:2: a minus without digits; instead: a number"},
		"a plus":                        {`+1`, `1:1: a number does not begin with '+'; instead: a digit`},
		"a point first":                 {`.5`, `1:1: a number does not begin with '.'; instead: a digit`},
		"a point last":                  {`1.`, `1:3: a number without digits at its end`},
		"an exponent of nothing":        {`1e+`, `1:4: a number without digits at its end`},
		"a leading zero":                {`[007]`, `1:2: [0]: a number with zeros in front; instead: none`},
		"a comma too many":              {`{"a": 1,}`, `1:9: a: a comma before '}'; instead: no comma after the last one`},
		"a comma too many in an array":  {`[1,,2]`, `1:4: [1]: ',' where a value should be; instead: a value, or one comma less`},
		"a comma too few":               {"{\"a\": 1\n\"b\": 2}", `2:1: '"' after a value; instead: ',' or '}'`},
		"single quotes":                 {`{"a": 'x'}`, "1:7: a: single quotes; instead: double quotes"},
		"a name without quotes":         {`{a: 1}`, `1:2: a name without double quotes; instead: "name": value`},
		"a name that is a number":       {`{"a": {1: 1}}`, `1:8: a: a name without double quotes; instead: "name": value`},
		"a name without a value":        {`{"a"}`, `1:5: a: a name without a value; instead: "name": value`},
		"a word of another language":    {`[True]`, "1:2: [0]: True is no value; instead: true"},
		"a text without quotes":         {`{"state": ENABLED}`, `1:11: state: "ENABLED" is no value; instead: double quotes around a text`},
		"a line break in a string":      {"[\"a\nb\"]", `1:4: [0]: a line break or another control character in a string; instead: \u000a`},
		"an escape that is none":        {`["\x41"]`, `1:4: [0]: a backslash that escapes nothing; instead: \\`},
		"an escape of three digits":     {`["\u041"]`, `1:4: [0]: a backslash that escapes nothing; instead: \\`},
		"an escape at the end":          {`["\`, `1:4: [0]: a backslash that escapes nothing; instead: \\`},
		"bytes of another encoding":     {"[\"caf\xe9\"]", "1:6: [0]: a byte that is not UTF-8; instead: UTF-8"},
		"a surrogate in its UTF-8 form": {"[\"\xed\xa0\x80\"]", "1:3: [0]: a byte that is not UTF-8; instead: UTF-8"},
		"a control character":           {"[\x00]", `1:2: [0]: '\x00' begins no value`},
		"129 levels":                    {strings.Repeat("[", 129) + strings.Repeat("]", 129), "1:129: " + strings.Repeat("[0]", 128) + ": nested too deeply; instead: at most 128 levels"},
		"an odd name in the path":       {`{"a b": {"": 1x}}`, `1:15: ["a b"]: 'x' after a value; instead: ',' or '}'`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root, mistakes := tree.Parse([]byte(test.document))
			require.Nil(t, root)
			require.Len(t, mistakes, 1)
			require.Equal(t, test.want, mistakes[0].String())
			require.True(t, mistakes[0].Broken)
		})
	}
}

func TestLimits(t *testing.T) {
	tests := map[string]struct{ at, beyond, want string }{
		"levels": {
			strings.Repeat("[", 128) + strings.Repeat("]", 128), strings.Repeat("[", 1<<20),
			"1:129: " + strings.Repeat("[0]", 128) + ": nested too deeply; instead: at most 128 levels",
		},
		"values": {
			"[]", "[" + strings.Repeat("0,", 1_999_999) + "0]", // fails at the last
			"1:4000000: [1999999]: too many values; instead: at most 2000000",
		},
		"bytes": {
			`"` + strings.Repeat("x", 16<<20-2) + `"`, `"` + strings.Repeat("x", 16<<20-1) + `"`,
			"1:1: 16777217 bytes are too many; instead: at most 16777216 (16 MiB)",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root, mistakes := tree.Parse([]byte(test.at))
			require.NotNil(t, root)
			require.Empty(t, mistakes)
			root, mistakes = tree.Parse([]byte(test.beyond))
			require.Nil(t, root)
			require.Equal(t, test.want, mistakes[0].String())
		})
	}
}

func TestANameThatIsThereTwice(t *testing.T) {
	root, mistakes := tree.Parse([]byte("{\"flags\": {\n\"a\": 1,\n\"b\": 2, \"a\": 3, \"\\u0061\": {\"x\": 1,\n \"x\": 2}}}"))
	require.Equal(t, []string{
		`3:9: flags.a: "a" is there twice, first on line 2; instead: one of them`,
		`4:2: flags.a.x: "x" is there twice, first on line 3; instead: one of them`,
		`3:17: flags.a: "a" is there twice, first on line 3; instead: one of them`,
	}, lines(mistakes))
	require.False(t, mistakes[0].Broken, "the last one counts, for encoding/json as well")
	require.JSONEq(t, `{"flags": {"a": {"x": 2}, "b": 2}}`, string(root.JSON()))

	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf(`"%d": %d`, i%1500, i)
	}
	root, mistakes = tree.Parse([]byte("{" + strings.Join(many, ",") + "}"))
	require.Len(t, root.Members, 1500)
	require.Len(t, mistakes, tree.MaxMistakes, "nobody reads more")
	require.Equal(t, "1501", root.Get("1").Text)
}

func lines(mistakes []tree.Mistake) []string {
	var all []string
	for _, m := range mistakes {
		all = append(all, m.String())
	}
	return all
}

func TestGet(t *testing.T) {
	root, _ := tree.Parse([]byte(`{"a": {"b": null}}`))
	require.Equal(t, tree.Null, root.Get("a").Get("b").Kind)
	require.Nil(t, root.Get("b").Get("c").Get("d"), "what is not there has nothing")
	require.Nil(t, root.Get("a").Get("b").Get("c"), "nor has what is no object")
}

func TestJSON(t *testing.T) {
	tests := map[string]struct{ document, want string }{
		"spaces go, the order stays": {" { \"b\" : [ 1 , true , false, null ] , \"a\" : { } } ", `{"b":[1,true,false,null],"a":{}}`},
		"numbers as written":         {`[1.0, 1E+2, 9007199254740993, -0]`, `[1.0,1E+2,9007199254740993,-0]`},
		"escapes that are needed":    {`"\"\\\/\b\u0000 \u00e9<&> \ud83d\ude00"`, `"\"\\/\u0008\u0000 é<&> 😀"`},
		"half of a pair":             {`["\ud83d", "\ud83dx", "\ud83d\u0041"]`, `["�","�x","�A"]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root, mistakes := tree.Parse([]byte(test.document))
			require.Empty(t, mistakes)
			require.Equal(t, test.want, string(root.JSON()))
		})
	}
	require.Equal(t, "null", string((*tree.Node)(nil).JSON()))
}

func TestEqual(t *testing.T) {
	tests := map[string]struct {
		a, b string
		want bool
	}{
		"the order of members":              {`{"a": 1, "b": [2]}`, `{ "b": [2], "a": 1 }`, true},
		"the order of items":                {`[1, 2]`, `[2, 1]`, false},
		"another name":                      {`{"a": 1, "b": 1}`, `{"a": 1, "c": 1}`, false},
		"one more":                          {`{"a": 1}`, `{"a": 1, "c": 1}`, false},
		"a value":                           {`{"a": {"b": true}}`, `{"a": {"b": false}}`, false},
		"a kind":                            {`["1"]`, `[1]`, false},
		"texts":                             {`"a"`, `"b"`, false},
		"an escape":                         {`"a"`, `"\u0061"`, true},
		"how a number is written":           {`[1, 100]`, `[1.0, 1e2]`, true},
		"ids beyond what a float64 can say": {`9007199254740993`, `9007199254740992`, false},
		"nothing":                           {`null`, `null`, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, _ := tree.Parse([]byte(test.a))
			b, _ := tree.Parse([]byte(test.b))
			require.Equal(t, test.want, tree.Equal(a, b))
			require.Equal(t, test.want, tree.Equal(b, a))
			require.True(t, tree.Equal(a, a))
			require.False(t, tree.Equal(a, nil))
			require.False(t, tree.Equal(nil, b))
		})
	}
	require.True(t, tree.Equal(nil, nil))
}

func TestNearest(t *testing.T) {
	names := []string{"on", "off", "defaultVariant", "targeting", "treatment-b", "größer"}
	tests := map[string]struct{ name, want string }{
		"a letter more":            {"onn", "on"},
		"a letter less":            {"of", "off"},
		"the case only":            {"DEFAULTVARIANT", "defaultVariant"},
		"two neighbours swapped":   {"tragetign", "targeting"},
		"letters, not bytes":       {"grösser", "größer"},
		"another word":             {"blue", ""},
		"nothing":                  {"", ""},
		"a name beyond all bounds": {strings.Repeat("on", 1000), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, tree.Nearest(test.name, names)) })
	}
	require.Empty(t, tree.Nearest("a", nil))
}

func TestMistakesAreShort(t *testing.T) {
	long := strings.Repeat("ä", 1<<20)
	require.LessOrEqual(t, len(tree.Quote(long)), 80)
	require.Equal(t, `"`+strings.Repeat("ä", 32)+`"…`, tree.Quote(long), "no half letters")
	require.LessOrEqual(t, len(tree.Join("flags", long)), 100)
	require.Equal(t, `flags.a.b`, tree.Join("flags", "a.b"), "as people search for it")
	require.Equal(t, `flags[""]`, tree.Join("flags", ""))
	require.Equal(t, `flags["a\nb"]`, tree.Join("flags", "a\nb"))
	require.Equal(t, "what", tree.Mistake{Problem: "what"}.String())
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a": [1, -0.5e+3, "x\n\ud83d\ude00"], "a": null}`, `[1e999]`, "\xef\xbb\xbf1", `"\ud800"`, "[true,false]", `{"":{"":0}} `,
		"// no", "[01]", "-", `{"a":1,}`, "\"\xff\"", `"\u00zz"`, "nul", "[1 2]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, mistakes := tree.Parse(data)
		var want any
		decoder := json.NewDecoder(strings.NewReader(string(data)))
		decoder.UseNumber()
		valid := json.Valid(data) && decoder.Decode(&want) == nil
		if root == nil {
			require.Len(t, mistakes, 1)
			require.LessOrEqual(t, mistakes[0].Line, 1+strings.Count(string(data), "\n"))
			if valid {
				require.Regexp(t, "too large|too deeply|not UTF-8|byte order mark", mistakes[0].Problem)
			}
			return
		}
		require.True(t, valid, "%q", data)
		again, mistakes := tree.Parse(root.JSON())
		require.Empty(t, mistakes)
		require.True(t, tree.Equal(root, again))
		plain, err := json.Marshal(want)
		require.NoError(t, err)
		require.JSONEq(t, string(plain), string(root.JSON()))
	})
}

func BenchmarkParse(b *testing.B) {
	flag := `"flag-%d": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"if": [{"in": [{"var": "country"}, ["de", "fr", "it"]]}, {"fractional": [["on", 25], ["off", 75]]}, null]}}`
	flags := make([]string, 500)
	for i := range flags {
		flags[i] = fmt.Sprintf(flag, i)
	}
	document := []byte(`{"flags": {` + strings.Join(flags, ",\n") + `}}`)
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, mistakes := tree.Parse(document); len(mistakes) > 0 {
			b.Fatal(mistakes)
		}
	}
}
