package logic_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags/internal/bucket"
	"github.com/handover-go/handover/flags/internal/logic"
	"github.com/handover-go/handover/flags/internal/tree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parse(t testing.TB, text string) *tree.Node {
	node, mistakes := tree.Parse([]byte(text))
	require.Empty(t, mistakes, text)
	return node
}

func compiler() *logic.Compiler {
	return &logic.Compiler{Flag: "checkout", Bucketing: bucket.FlagdV2}
}

// compiled is a rule without a mistake, but for what JSONLogic allows and flagd's
// schema does not.
func compiled(t testing.TB, text string) logic.Rule {
	rule, mistakes := compiler().Compile(parse(t, text), "targeting")
	mistakes = slices.DeleteFunc(mistakes, func(m tree.Mistake) bool {
		return strings.HasSuffix(m.Problem, "without brackets") || m.Problem == "an object without an operator"
	})
	require.Empty(t, mistakes, text)
	return rule
}

// attributes are from JSON, as most are.
func attributes(t testing.TB, text string) map[string]any {
	var all map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &all))
	return all
}

func TestOperators(t *testing.T) {
	const data = `{
		"plan": "pro", "age": 42, "beta": true, "empty": "", "none": null, "roles": ["dev", "admin"],
		"user": {"name": "Zoë", "tags": [{"id": 7}]}, "list": [], "map": {}, "numbers": [3, 1, 2], "n": "12"
	}`
	tests := map[string]string{
		// var
		`{"var": "plan"}`:                               `"pro"`,
		`{"var": "user.tags.0.id"}`:                     `7`,
		`{"var": "user.tags.1.id"}`:                     `null`,
		`{"var": "user..name"}`:                         `"Zoë"`,
		`{"var": ["none", "else"]}`:                     `"else"`,
		`{"var": ["empty", "else"]}`:                    `""`,
		`{"var": {"cat": ["pl", "an"]}}`:                `"pro"`,
		`{"var": "targetingKey"}`:                       `"user-1"`,
		`{"var": "$flagd.flagKey"}`:                     `"checkout"`,
		`{"var": "$flagd.timestamp"}`:                   `1700000000`,
		`{"var": {"cat": ["$flagd.", "flagKey"]}}`:      `"checkout"`,
		`{"missing": ["plan", "empty", "none", "zzz"]}`: `["empty", "none", "zzz"]`,
		`{"missing_some": [1, ["plan", "zzz"]]}`:        `[]`,

		// if, and, or
		`{"if": [{"var": "zzz"}, "a", {"var": "map"}, "b", "c"]}`: `"b"`,
		`{"if": [false, "a"]}`:                             `null`,
		`{"and": [{"var": "plan"}, {"var": "list"}, "x"]}`: `[]`,
		`{"or": [{"var": "none"}, 0, ""]}`:                 `""`,
		`{"!": {"var": "list"}}`:                           `true`,
		`{"!!": "0"}`:                                      `true`,

		// comparisons
		`{"==": [{"var": "n"}, 12]}`:               `true`,
		`{"===": [{"var": "n"}, 12]}`:              `false`,
		`{"==": [{"var": "plan"}, 12]}`:            `false`,
		`{"!=": [{"var": "plan"}, 12]}`:            `true`,
		`{"==": [{"var": "none"}, false]}`:         `false`,
		`{"==": [{"var": "none"}, null]}`:          `true`,
		`{"==": [{"var": "zzz"}, 0]}`:              `false`,
		`{"==": [{"var": "roles"}, ["dev"]]}`:      `false`,
		`{"==": [{"var": "map"}, {"var": "map"}]}`: `false`,
		`{"==": ["1e3", 1000]}`:                    `true`,
		`{"==": ["0x10", 16]}`:                     `false`,
		`{"==": ["nan", "nan"]}`:                   `true`,
		`{"<": [18, {"var": "age"}, 65]}`:          `true`,
		`{"<=": [42, {"var": "age"}, 41]}`:         `false`,
		`{"<": ["a", "b"]}`:                        `true`,
		`{"<": [{"var": "zzz"}, 1]}`:               `true`, // null is 0, for everybody's JSONLogic
		`{">": [{"var": "plan"}, 1]}`:              `false`,
		`{">=": [{"var": "age"}, "42"]}`:           `true`,

		// arithmetic
		`{"+": [1, "2", 3]}`:                     `6`,
		`{"+": [1, {"var": "zzz"}]}`:             `null`,
		`{"+": "3.5"}`:                           `3.5`,
		`{"-": [10, 1, 2]}`:                      `7`,
		`{"-": 2}`:                               `-2`,
		`{"/": [1, 0]}`:                          `null`,
		`{"%": [-7, 3]}`:                         `-1`,
		`{"%": [7, 0]}`:                          `null`,
		`{"max": {"var": "numbers"}}`:            `3`,
		`{"min": [{"var": "age"}, 7]}`:           `7`,
		`{"max": {"var": "list"}}`:               `null`,
		`{">": [{"/": [1, 0]}, 5]}`:              `true`,
		`{"==": [{"/": [0, 0]}, {"/": [0, 0]}]}`: `false`,

		// lists
		`{"in": ["admin", {"var": "roles"}]}`:                                                        `true`,
		`{"in": [{"var": "zzz"}, ["a", "b"]]}`:                                                       `false`,
		`{"in": [1, ["1"]]}`:                                                                         `false`,
		`{"in": ["ro", {"var": "plan"}]}`:                                                            `true`,
		`{"in": [{"var": "zzz"}, "any"]}`:                                                            `false`,
		`{"in": ["a", {"var": "zzz"}]}`:                                                              `false`,
		`{"in": [null, ["a", null]]}`:                                                                `true`,
		`{"in": ["k", ["a","b","c","d","e","f","g","h","i","j","k"]]}`:                               `true`,
		`{"in": ["z", ["a","b","c","d","e","f","g","h","i","j","k"]]}`:                               `false`,
		`{"in": ["", ["a","b","c","d","e","f","g","h","i","j","k"]]}`:                                `false`,
		`{"in": [{"var": "zzz"}, ["","b","c","d","e","f","g","h","i","j","k"]]}`:                     `false`,
		`{"merge": [1, {"var": "roles"}, [2]]}`:                                                      `[1, "dev", "admin", 2]`,
		`{"map": [{"var": "roles"}, {"var": ""}]}`:                                                   `["dev", "admin"]`,
		`{"map": [{"var": "numbers"}, {"var": "plan"}]}`:                                             `[null, null, null]`, // of the element, which has none
		`{"filter": [{"var": "numbers"}, {">": [{"var": ""}, 1]}]}`:                                  `[3, 2]`,
		`{"reduce": [{"var": "numbers"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 100]}`: `106`,
		`{"reduce": [{"var": "zzz"}, {"var": "current"}, "start"]}`:                                  `"start"`,
		`{"all": [{"var": "list"}, true]}`:                                                           `false`,
		`{"none": [{"var": "zzz"}, true]}`:                                                           `true`,
		`{"some": [{"var": "user.tags"}, {"==": [{"var": "id"}, 7]}]}`:                               `true`,
		`{"some": [{"var": "roles"}, {"==": [{"var": "$flagd.flagKey"}, "checkout"]}]}`:              `true`,

		// texts
		`{"cat": ["a", 1, true, null, 2.5, {"var": "roles"}, " "]}`: `"a1true2.5dev,admin "`,
		`{"cat": [1e21, " ", 0.1, " ", 1e-7]}`:                      `"1e+21 0.1 1e-07"`,
		`{"substr": [{"var": "user.name"}, 2]}`:                     `"ë"`,
		`{"substr": ["jsonlogic", -5, -2]}`:                         `"log"`,
		`{"substr": ["abc", 5]}`:                                    `""`,
		`{"substr": ["abc", -5, 2]}`:                                `"ab"`,
		`{"substr": ["abc", 0, 1e300]}`:                             `"abc"`,
		`{"starts_with": [{"var": "plan"}, "p"]}`:                   `true`,
		`{"ends_with": [{"var": "plan"}, "p"]}`:                     `false`,
		`{"starts_with": [{"var": "age"}, "4"]}`:                    `null`,

		// versions
		`{"sem_ver": ["1.2.3", "<", "1.10.0"]}`:        `true`,
		`{"sem_ver": ["v1.2.3", "=", "1.2.3+build"]}`:  `true`,
		`{"sem_ver": ["V1.2", ">=", "1.2.0"]}`:         `true`,
		`{"sem_ver": [1.2, ">", "1.1"]}`:               `true`,
		`{"sem_ver": ["1.2.9", "~", "1.2.0"]}`:         `true`,
		`{"sem_ver": ["1.3.0", "~", "1.2.0"]}`:         `false`,
		`{"sem_ver": ["1.9.0", "^", "1"]}`:             `true`,
		`{"sem_ver": ["2.0.0-rc.1", "<", "2.0.0"]}`:    `true`,
		`{"sem_ver": ["2.0.0", "!=", "2.0.0"]}`:        `false`,
		`{"sem_ver": [{"var": "plan"}, "=", "1.0.0"]}`: `null`,
		`{"sem_ver": [{"var": "beta"}, "=", "1.0.0"]}`: `null`,
		`{"sem_ver": ["1.0.0", "<=", {"var": "age"}]}`: `true`,

		// all else is itself
		`"on"`: `"on"`, `null`: `null`, `{}`: `{}`, `[1, {"var": "age"}]`: `[1, 42]`,
	}
	scope := &logic.Scope{Key: "user-1", Attributes: attributes(t, data), Now: 1_700_000_000}
	for rule, want := range tests {
		t.Run(rule, func(t *testing.T) {
			got, err := json.Marshal(compiled(t, rule)(scope).Interface())
			require.NoError(t, err)
			require.JSONEq(t, want, string(got))
		})
	}
}

type plan string

func TestAttributes(t *testing.T) {
	tests := map[string]struct {
		attribute any
		want      any
	}{
		"a text":                           {"a", "a"},
		"a text of another type":           {plan("pro"), "pro"},
		"a boolean":                        {true, true},
		"an int":                           {-1, -1.0},
		"a small unsigned":                 {uint8(200), 200.0},
		"a float32":                        {float32(0.5), 0.5},
		"a duration":                       {time.Second, 1e9},
		"a json.Number":                    {json.Number("1.5"), 1.5},
		"a json.Number that is none":       {json.Number("x"), nil},
		"a time is seconds since 1970":     {time.Unix(1700000000, 5), 1.7e9},
		"NaN":                              {math.NaN(), nil},
		"an infinity":                      {math.Inf(-1), nil},
		"nil":                              {nil, nil},
		"a map that is nil":                {map[string]any(nil), nil},
		"a list that is nil":               {[]any(nil), nil},
		"a pointer":                        {new(int), nil},
		"a struct":                         {struct{ A int }{1}, nil},
		"a function":                       {func() {}, nil},
		"a channel":                        {make(chan int), nil},
		"a map with keys that are no text": {map[int]any{1: 1}, nil},
	}
	rule := compiled(t, `{"var": "x"}`)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := rule(&logic.Scope{Attributes: map[string]any{"x": test.attribute}})
			require.Equal(t, test.want, v.Interface())
			require.Equal(t, test.want == nil, v.IsNull())
		})
	}
}

func TestAttributesThatHoldOthers(t *testing.T) {
	scope := &logic.Scope{Attributes: map[string]any{
		"texts": []string{"a", "b"}, "plans": []plan{"pro"}, "ints": []int{1, 2},
		"labels": map[string]string{"team": "red"}, "plan": map[plan]int{"pro": 3},
	}}
	for rule, want := range map[string]any{
		`{"in": ["b", {"var": "texts"}]}`:   true,
		`{"in": ["pro", {"var": "plans"}]}`: true,
		`{"in": [2, {"var": "ints"}]}`:      true,
		`{"var": "texts.1"}`:                "b",
		`{"var": "labels.team"}`:            "red",
		`{"var": "labels.none"}`:            nil,
		`{"var": "plan.pro"}`:               3.0,
		`{"var": "texts.-1"}`:               nil,
		`{"var": "texts.x"}`:                nil,
		`{"reduce": [{"var":"ints"}, {"+": [{"var":"current"},{"var":"accumulator"}]}, 0]}`: 3.0,
	} {
		require.Equal(t, want, compiled(t, rule)(scope).Interface(), rule)
	}
}

func TestWithoutAScope(t *testing.T) {
	require.True(t, compiled(t, `{"var": "a.b"}`)(nil).IsNull())
	require.True(t, compiled(t, `{"var": ""}`)(&logic.Scope{}).IsNull())
	require.Empty(t, compiled(t, `{"map": [{"var": "a"}, {"var": "b"}]}`)(nil).Interface())
	rule, mistakes := compiler().Compile(nil, "targeting")
	require.Empty(t, mistakes)
	require.True(t, rule(nil).IsNull())
}

// TestTheLiteralThatAnswered: which line of the rule was it?
func TestTheLiteralThatAnswered(t *testing.T) {
	const rule = `{"if": [
		{"==": [{"var": "plan"}, "pro"]}, "gold",
		{"var": "beta"}, {"if": [{"var": "late"}, "b1", null]},
		{"==": [{"var": "plan"}, "split"]}, {"fractional": [["only", 1]]},
		{"==": [{"var": "plan"}, "nested"]}, {"fractional": [[{"if": [true, "inner"]}, 1]]},
		{"==": [{"var": "plan"}, "var"]}, {"fractional": [[{"var": "plan"}, 1]]},
		{"==": [{"var": "plan"}, "ref"]}, {"$ref": "shared"},
		{"var": ["color", "red"]}
	]}`
	c := compiler()
	c.Evaluators = map[string]*tree.Node{"shared": parse(t, `{"or": [false, "again"]}`)}
	run, mistakes := c.Compile(parse(t, rule), "flags.checkout.targeting")
	require.Empty(t, mistakes)
	tests := map[string]string{
		`{"plan": "pro"}`:              `gold targeting.if[1] false`,
		`{"beta": true, "late": true}`: `b1 targeting.if[3].if[1] false`,
		`{"beta": true}`:               ` targeting.if[3].if[2] false`,
		`{"plan": "split"}`:            `only targeting.if[5].fractional[0] true`,
		`{"plan": "nested"}`:           `inner targeting.if[7].fractional[0][0].if[1] true`,
		`{"plan": "var"}`:              `var targeting.if[9].fractional[0] true`,
		`{"plan": "ref"}`:              `again $evaluators.shared.or[1] false`,
		`{}`:                           `red targeting.if[12].var[1] false`,
		`{"color": "blue"}`:            `blue  false`,
	}
	for data, want := range tests {
		v := run(&logic.Scope{Key: "user-1", Attributes: attributes(t, data)})
		require.Equal(t, want, v.Text()+" "+v.Rule+" "+map[bool]string{true: "true", false: "false"}[v.Split], data)
	}
}

func TestLiterals(t *testing.T) {
	tests := map[string]struct {
		rule string
		want []string
	}{
		"what an if can give, and not what it asks": {
			`{"if": [{"==": [{"var": "a"}, "x"]}, "one", "asked?", "two", "three"]}`,
			[]string{"one", "two", "three"},
		},
		"the last argument of an if with one": {`{"if": ["one"]}`, []string{"one"}},
		"a comparison gives two":              {`{"==": [1, 2]}`, []string{"true computed", "false computed"}},
		"what decides and, and the last":      {`{"and": [true, false, {"in": ["a", "b"]}, "x"]}`, []string{"false", "false computed", "x"}},
		"what decides or, and the last":       {`{"or": [false, "a", {"in": ["a", "b"]}, ""]}`, []string{"a", "true computed", ""}},
		"arms":                                {`{"fractional": [{"var": "a"}, ["on", 1], [{"if": [true, "x", "y"]}, 2], [true]]}`, []string{"on", "x", "y", "true"}},
		"a default":                           {`{"var": ["a", "z"]}`, []string{"z"}},
		"null exits and is none":              {`{"if": [{"var": "a"}, null, 5]}`, []string{"5"}},
		"what is computed is not known":       {`{"cat": ["a", "b"]}`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := compiler()
			_, mistakes := c.Compile(parse(t, test.rule), "targeting")
			require.Empty(t, mistakes)
			var got []string
			for _, literal := range c.Literals() {
				text := literal.Value.Text()
				if literal.Computed {
					text += " computed"
				}
				require.Positive(t, literal.Node.Line)
				require.NotEmpty(t, literal.Path)
				got = append(got, text)
			}
			require.Equal(t, test.want, got)
		})
	}
}

func TestTruthyAndText(t *testing.T) {
	for rule, want := range map[string]struct {
		truthy bool
		text   string
	}{
		`true`: {true, "true"}, `false`: {false, "false"}, `null`: {false, ""}, `0`: {false, "0"},
		`-0.0`: {false, "0"}, `1e6`: {true, "1000000"}, `""`: {false, ""}, `"0"`: {true, "0"},
		`[]`: {false, ""}, `[0, [1, null]]`: {true, "0,1,"}, `{}`: {true, "[object Object]"},
	} {
		v := compiled(t, rule)(nil)
		require.Equal(t, want.truthy, v.Truthy(), rule)
		require.Equal(t, want.text, v.Text(), rule)
	}
}
