package logic_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/logic"
	"github.com/handover-go/handover/flags/internal/tree"
)

func TestMistakes(t *testing.T) {
	tests := map[string]struct {
		rule string
		want []string // with ! if Broken
	}{
		"an operator that is misspelt": {
			`{"if": [{"startswith": [{"var": "id"}, "a"]}, "x"]}`,
			[]string{`!1:9: targeting.if[0]: unknown operator "startswith"; instead: "starts_with"`},
		},
		"an operator of another library, and what is wrong below it": {
			`{"contains_all": [{"starts_with": [{"var": "id"}, 1]}]}`,
			[]string{
				`1:51: targeting.contains_all[0].starts_with[1]: 1 is no text; instead: a text, as in "@example.com"`,
				`!1:1: targeting: unknown operator "contains_all"; instead: one of "!", "!!", "!=", "!==", "%", "*", "+", "-", "/", "<", "<=", "==", "===", ">", ">=", "?:", "all", "and", "cat", "ends_with", "filter", "fractional", "if", "in", "map", "max", "merge", "min", "missing", "missing_some", "none", "or", "reduce", "sem_ver", "some", "starts_with", "substr", "var"`,
			},
		},
		"two operators in one object": {
			`{"==": [1, 1], "!=": [1, 1]}`,
			[]string{`!1:1: targeting: more than one operator: "==", "!="; instead: one; join them by {"and": […]} or {"or": […]}`},
		},
		"too few":  {`{"==": [1]}`, []string{`1:1: targeting: "==" has 1 argument; instead: 2`}},
		"too many": {`{"sem_ver": ["1.0.0", "=", "1.0.0", 1]}`, []string{`1:1: targeting: "sem_ver" has 4 arguments; instead: 3`}},
		"none":     {`{"if": []}`, []string{`1:1: targeting: "if" has 0 arguments; instead: at least 1`}},
		"two or three": {
			`{"substr": "abc"}`,
			[]string{`1:1: targeting: "substr" has 1 argument; instead: 2 or 3`},
		},
		"between, the wrong way round": {
			`{">": [3, 2, 1]}`,
			[]string{`1:1: targeting: ">" has 3 arguments; instead: 2; between is {"<": [low, x, high]}`},
		},
		"flagd's own that there is not": {
			`{"==": [{"var": "$flagd.invalidProp"}, {"var": ["$flagd.x", 1]}]}`,
			[]string{
				`1:17: targeting.==[0].var: there is no variable "$flagd.invalidProp"; instead: $flagd.flagKey or $flagd.timestamp`,
				`1:49: targeting.==[1].var[0]: there is no variable "$flagd.x"; instead: $flagd.flagKey or $flagd.timestamp`,
			},
		},
		"an argument without brackets": {
			`{"if": [{"starts_with": "x"}, "a", {"max": {"var": "numbers"}}]}`,
			[]string{
				`1:9: targeting.if[0]: "starts_with" has 1 argument; instead: 2`,
				`1:36: targeting.if[2]: "max" has its argument without brackets; instead: a list, also of one`,
			},
		},
		"an object without an operator": {
			`{"if": [{}, "a"]}`,
			[]string{`1:9: targeting.if[0]: an object without an operator; instead: as in {"var": "country"}`},
		},
		"a name that is none": {
			`{"var": true}`,
			[]string{`1:9: targeting.var: the name of a variable is a text; instead: as in {"var": "country"}`},
		},
		"a name without an end": {
			`{"var": "` + strings.Repeat("x", 1025) + `"}`,
			[]string{`!1:9: targeting.var: the name of a variable has 1025 bytes; instead: at most 1024`},
		},
		"a version that is none": {
			`{"sem_ver": [{"var": "version"}, "=", "2.0.0.0"]}`,
			[]string{`1:39: targeting.sem_ver[2]: "2.0.0.0" is no version; instead: as in "2.10.0", see semver.org`},
		},
		"a relation that is none": {
			`{"sem_ver": [{"var": "version"}, "*", "2.0.0"]}`,
			[]string{`1:34: targeting.sem_ver[1]: "*" does not compare versions; instead: one of "=", "!=", ">", "<", ">=", "<=", "~", "^"`},
		},
		"an evaluator that there is not": {
			`{"if": [{"$ref": "staf"}, "a"]}`,
			[]string{`!1:18: targeting.if[0].$ref: there is no evaluator "staf"; instead: "staff"`},
		},
		"an evaluator that is no name": {
			`{"$ref": 1}`,
			[]string{`!1:1: targeting: $ref is no name; instead: the name of one of $evaluators`},
		},
		"an evaluator that needs itself": {
			`{"$ref": "loop"}`,
			[]string{`!1:16: $evaluators.pool.!.$ref: evaluators that need one another: "loop", "pool", "loop"; instead: evaluators that end`},
		},
		"a weight that is no number": {
			`{"fractional": [["clubs", 25], ["diamonds", "25"]]}`,
			[]string{`1:45: targeting.fractional[1][1]: the weight "25" is no number; instead: a whole number, as in 25`},
		},
		"a weight that is not whole": {
			`{"fractional": [["on", 0.5], ["off", 99.5]]}`,
			[]string{
				`1:24: targeting.fractional[0][1]: the weight 0.5 is not whole, or too large; instead: whole numbers up to 2147483647: 0.5 of 100 is 5 of 1000`,
				`1:38: targeting.fractional[1][1]: the weight 99.5 is not whole, or too large; instead: whole numbers up to 2147483647: 0.5 of 100 is 5 of 1000`,
			},
		},
		"weights that are too much": {
			`{"fractional": [["on", 2147483647], ["off", 1]]}`,
			[]string{`1:1: targeting.fractional: the weights' sum is 2147483648; instead: at most 2147483647`},
		},
		"a rollout by a text": {
			`{"fractional": ["invalid", ["clubs", 25], ["spades", 75]]}`,
			[]string{`1:17: targeting.fractional[0]: a rollout by a constant: everybody falls into one arm; instead: what differs between subjects, as in {"var": "account"}`},
		},
		"a rollout by the flag's key alone": {
			`{"fractional": [{"cat": ["a", {"var": "$flagd.flagKey"}]}, ["clubs", 25], ["spades", 75]]}`,
			[]string{`1:17: targeting.fractional[0]: a rollout by a constant: everybody falls into one arm; instead: what differs between subjects, as in {"var": "account"}`},
		},
		"arms that are none": {
			`{"fractional": [["on", 1, 2], [], "x", [["y"], 1]]}`,
			[]string{
				`1:17: targeting.fractional[0]: an arm of 3 parts; instead: a variant and its weight, as in ["on", 25]`,
				`1:31: targeting.fractional[1]: a list is no arm; instead: a variant and its weight, as in ["on", 25]`,
				`1:35: targeting.fractional[2]: "x" is no arm; instead: a variant and its weight, as in ["on", 25]`,
				`1:41: targeting.fractional[3][0]: a list is no variant; instead: the name of a variant`,
			},
		},
		"no arms": {
			`{"fractional": [{"var": "id"}]}`,
			[]string{`1:1: targeting.fractional: a fractional without arms; instead: as in [["on", 25], ["off", 75]]`},
		},
		"too many arms": {
			`{"fractional": [` + strings.Repeat(`["on"], `, 1000) + `["off"]]}`,
			[]string{`!1:1: targeting.fractional: a fractional of 1001 arms; instead: at most 1000`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := compiler()
			c.Evaluators = map[string]*tree.Node{
				"staff": parse(t, `{"var": "staff"}`),
				"loop":  parse(t, `{"if": [true, {"$ref": "pool"}]}`),
				"pool":  parse(t, `{"!": {"$ref": "loop"}}`),
			}
			rule, mistakes := c.Compile(parse(t, test.rule), "targeting")
			var got []string
			for _, m := range mistakes {
				line := m.String()
				if m.Broken {
					line = "!" + line
				}
				got = append(got, line)
			}
			require.Equal(t, test.want, got)
			require.NotPanics(t, func() { rule(&logic.Scope{Key: "k"}) })
		})
	}
}

// TestRulesOfFlagd are the shapes that flagd's schema and ADRs allow.
func TestRulesOfFlagd(t *testing.T) {
	for _, rule := range []string{
		`{"if": [true]}`,
		`{"if": [{"$ref": "staff"}]}`,
		`{"!": true}`,
		`{"missing": []}`,
		`{"fractional": [["single", 1]]}`,
		`{"fractional": [["heads"], ["tails", 1]]}`,
		`{"fractional": [[false, 0], [true, 100], [null, -5], [3, 1]]}`,
		`{"fractional": [{"var": "targetingKey"}, [{"var": "color"}, {"if": [{"var": "a"}, 100, 0]}], ["blue", 10]]}`,
		`{"sem_ver": [{"var": "version"}, "^", "1"]}`,
		`{"sem_ver": [{"var": "version"}, ">", 1.1]}`,
	} {
		c := compiler()
		c.Evaluators = map[string]*tree.Node{"staff": parse(t, `{"var": "staff"}`)}
		_, mistakes := c.Compile(parse(t, rule), "targeting")
		require.Empty(t, mistakes, rule)
	}
}

// TestWrongRulesAnswerAsFlagdDoes: a document that flagd takes with a warning.
func TestWrongRulesAnswerAsFlagdDoes(t *testing.T) {
	for rule, want := range map[string]any{
		`{"starts_with": ["abc"]}`:                            nil,
		`{"sem_ver": [{"var": "v"}, "="]}`:                    nil,
		`{"sem_ver": ["1.0.0", "===", "1.0.0"]}`:              nil,
		`{"==": [null]}`:                                      false,
		`{">": [3, 2, 1]}`:                                    true,
		`{"fractional": ["key", ["a", "1"]]}`:                 nil,
		`{"fractional": ["key", ["a", null], ["b", 0]]}`:      "a",
		`{"fractional": [["a", 0.5]]}`:                        nil,
		`{"fractional": [["a", 2147483647], ["b", 1]]}`:       nil,
		`{"if": [{"unknown": 1}, "on", "off"]}`:               "off",
		`{"if": [{"==": [1, 1], "!=": [1, 1]}, "on", "off"]}`: "off",
		`{"%": [1]}`: nil, `{"/": []}`: nil, `{"+": []}`: 0.0, `{"in": []}`: false, `{"substr": ["a"]}`: nil,
		`{"max": []}`: nil, `{"reduce": []}`: nil, `{"and": []}`: nil, `{"missing_some": []}`: []any{},
	} {
		run, mistakes := compiler().Compile(parse(t, rule), "targeting")
		require.NotEmpty(t, mistakes, rule)
		require.Equal(t, want, run(&logic.Scope{Key: "user"}).Interface(), rule)
	}
}

func TestARuleIsBounded(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"!": `, n) + "true" + strings.Repeat("}", n) }
	_, mistakes := compiler().Compile(parse(t, deep(64)), "targeting")
	require.Empty(t, mistakes)
	_, mistakes = compiler().Compile(parse(t, deep(65)), "targeting")
	require.Len(t, mistakes, 1)
	require.True(t, mistakes[0].Broken)

	_, mistakes = compiler().Compile(parse(t, strings.Repeat(`{"!": `, 63)+`[[[{"var": "x"}]]]`+strings.Repeat(`}`, 63)), "targeting")
	require.NotEmpty(t, mistakes)
	require.True(t, mistakes[0].Broken, "nor is it too deep in silence")

	bomb := map[string]*tree.Node{}
	for i := range 30 {
		bomb[fmt.Sprint(i)] = parse(t, fmt.Sprintf(`{"and": [{"$ref": "%[1]d"}, {"$ref": "%[1]d"}]}`, i+1))
	}
	bomb["30"] = parse(t, "true")
	c := compiler()
	c.Evaluators = bomb
	_, mistakes = c.Compile(parse(t, `{"$ref": "0"}`), "targeting")
	require.Len(t, mistakes, 1)
	require.True(t, mistakes[0].Broken)
	require.Equal(t, "the rule has more than 10000 operations, with its $refs", mistakes[0].Problem)

	c.Evaluators["30"] = parse(t, `{"in": [{"var": "id"}, [`+strings.Repeat(`"x", `, 20_000)+`"y"]]}`)
	_, mistakes = c.Compile(parse(t, `{"$ref": "30"}`), "targeting")
	require.Empty(t, mistakes, "a long list is no long rule")
	_, mistakes = c.Compile(parse(t, `{"$ref": "20"}`), "targeting")
	require.Empty(t, mistakes, "and one that is there often is made once")
	c.Evaluators["30"] = parse(t, `{"max": [`+strings.Repeat(`1, `, 1000)+`2]}`)
	_, mistakes = c.Compile(parse(t, `{"$ref": "20"}`), "targeting")
	require.Len(t, mistakes, 1)
	require.Equal(t, "the rule has more than 100000 literals, with its $refs", mistakes[0].Problem)
}

func TestMistakesAreBounded(t *testing.T) {
	var object strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&object, `"operator %d": 1, `, i)
	}
	_, mistakes := compiler().Compile(parse(t, `{`+object.String()+`"last": 1}`), "targeting")
	require.Len(t, mistakes, 1)
	require.Less(t, len(mistakes[0].Problem), 1000)

	wrong := `{"and": [` + strings.Repeat(`{"==": []}, `, 500) + `{"unknown": 1}]}`
	_, mistakes = compiler().Compile(parse(t, wrong), "targeting")
	require.Len(t, mistakes, 100)
	require.True(t, mistakes[99].Broken, "of all mistakes, this one is not left out")
}
