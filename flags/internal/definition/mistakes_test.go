package definition_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags/internal/definition"
	"github.com/handover-go/handover/flags/internal/tree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lenient is what becomes of flag "a" for a reader that lets mistakes pass.
type lenient string

const (
	noSet    lenient = "no set"
	broken   lenient = "broken: ERROR PARSE_ERROR"
	static   lenient = "on STATIC"
	disabled lenient = "the caller's default DISABLED"
	fallback lenient = "the caller's default DEFAULT"
	byTable  lenient = "on DEFAULT"
	matched  lenient = "on TARGETING_MATCH"
	general  lenient = "the caller's default ERROR GENERAL"
)

func TestMistakes(t *testing.T) {
	one := func(members string) string { // a flag that is right but for these
		return `{"flags": {"a": {"state": "ENABLED", "variants": {"on": true, "off": false}, ` + members + `}}}`
	}
	tests := map[string]struct {
		document string
		want     []string
		lenient  lenient
	}{
		"no JSON": {
			`{"flags": {"a": {"state": ENABLED}}}`,
			[]string{`1:27: flags.a.state: "ENABLED" is no value; instead: double quotes around a text`},
			noSet,
		},
		"an array": {
			`[]`,
			[]string{`1:1: is an array; instead: an object: {"flags": {…}}`},
			noSet,
		},
		"no flags": {
			`{}`,
			[]string{`1:1: flags: is missing; instead: an object: {"key": {"state": …, "variants": …}}`},
			noSet,
		},
		"flags in an array": {
			`{"flags": [{"key": "a"}]}`,
			[]string{`1:11: flags: is an array, which is flagd.json's and not flags.json's; instead: an object: {"key": {"state": …, "variants": …}}`},
			noSet,
		},
		"flags in an array, for flagd's daemon": {
			`{"$schema": "https://flagd.dev/schema/v0/flagd.json", "flags": [
{"state": "ENABLED", "variants": {"on": true}},
{"key": "a", "state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"},
{"key": "a", "state": "ENABLED", "variants": {"on": true}}]}`,
			[]string{
				`2:1: flags[0]: is a flag without a key; instead: as in {"key": "new-checkout-flow", "state": …}`,
				`4:1: flags[2]: is a second flag "a"; instead: one of each name`,
			},
			static,
		},
		"flags that are none": {
			`{"flags": null}`,
			[]string{`1:11: flags: is null; instead: an object: {"key": {"state": …, "variants": …}}`},
			noSet,
		},
		"an empty set": {
			`{"flags": {}}`,
			[]string{`1:11: flags: is an empty set, with which every caller falls to its default; instead: one flag at least`},
			"a is not found: ERROR FLAG_NOT_FOUND",
		},
		"names of nobody": {
			`{"flag": {}, "$evaluator": {}, "x-team": 1, "$comment": 1, "evaluators": {}, "sources": 1, ` + one(`"defaultVariant": "on"`)[1:],
			[]string{
				`1:10: flag: is no name of the format; instead: "flags"`,
				`1:28: $evaluator: is no name of the format; instead: "$evaluators"`,
				`1:74: evaluators: is no name of the format; instead: "$evaluators"`,
				`1:89: sources: is no name of the format; instead: $schema, flags, $evaluators, metadata, or a name of yours that begins with x-`,
			},
			static,
		},
		"names of nobody in a flag": {
			one(`"defaultVariant": "on", "defaultvariant": "off", "percentage": 5, "x-owner": "us", "$comment": "", "x-prerequisite": []`),
			[]string{
				`1:120: flags.a.defaultvariant: is no name of the format; instead: "defaultVariant"`,
				`1:141: flags.a.percentage: is no name of the format; instead: state, variants, defaultVariant, targeting, metadata, x-prerequisites, or a name of yours that begins with x-`,
				`1:195: flags.a.x-prerequisite: is no name of the format; instead: "x-prerequisites"`,
			},
			static,
		},
		"a name twice": {
			"{\"flags\": {\"a\": {},\n \"a\": {\"state\": \"ENABLED\", \"variants\": {\"on\": 1}, \"defaultVariant\": \"on\"}}}",
			[]string{`2:2: flags.a: "a" is there twice, first on line 1; instead: one of them`},
			static,
		},
		"a flag without a key": {
			`{"flags": {"": {"state": "ENABLED", "variants": {"on": true}}, "a": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}`,
			[]string{`1:16: flags[""]: is a flag without a key; instead: a name`},
			static,
		},
		"a flag that is none": {
			`{"flags": {"a": true}}`,
			[]string{`1:17: flags.a: is a boolean; instead: an object: {"state": …, "variants": …}`},
			broken,
		},
		"a flag of nothing": {
			`{"flags": {"a": {}}}`,
			[]string{
				`1:17: flags.a.state: is missing; instead: "ENABLED" or "DISABLED"`,
				`1:17: flags.a.variants: is missing; instead: an object with one at least: {"on": true, "off": false}`,
			},
			broken,
		},
		"a state of nobody": {
			`{"flags": {"a": {"state": "ENABLD", "variants": {"on": true}, "defaultVariant": "on"}}}`,
			[]string{`1:27: flags.a.state: "ENABLD" is no state; instead: "ENABLED" or "DISABLED"`},
			static,
		},
		"a state that is a boolean": {
			`{"flags": {"a": {"state": true, "variants": {"on": true}}}}`,
			[]string{`1:27: flags.a.state: is a boolean; instead: "ENABLED" or "DISABLED"`},
			broken,
		},
		"a mistake in a disabled flag": {
			`{"flags": {"a": {"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "of"}}}`,
			[]string{`1:83: flags.a.defaultVariant: names no variant "of"; instead: "on"`},
			disabled,
		},
		"no variant": {
			`{"flags": {"a": {"state": "ENABLED", "variants": {}, "defaultVariant": "on"}}}`,
			[]string{`1:50: flags.a.variants: has no variant; instead: an object with one at least: {"on": true, "off": false}`},
			broken,
		},
		"variants in an array": {
			`{"flags": {"a": {"state": "ENABLED", "variants": ["on"]}}}`,
			[]string{`1:50: flags.a.variants: is an array; instead: an object with one at least: {"on": true, "off": false}`},
			broken,
		},
		"variants of mixed types": {
			`{"flags": {"a": {"state": "ENABLED", "variants": {"on": true, "off": "false", "": 1}, "defaultVariant": "on"}}}`,
			[]string{
				`1:70: flags.a.variants.off: is a string, but "on" is a boolean; instead: variants of one type`,
				`1:83: flags.a.variants[""]: is a variant without a name; instead: a name`,
				`1:83: flags.a.variants[""]: is a number, but "on" is a boolean; instead: variants of one type`,
			},
			static,
		},
		"variants of no type": {
			`{"flags": {"a": {"state": "ENABLED", "variants": {"on": null, "off": [1]}, "defaultVariant": "on"}}}`,
			[]string{
				`1:57: flags.a.variants.on: is null; instead: a boolean, a string, a number or an object`,
				`1:70: flags.a.variants.off: is an array; instead: a boolean, a string, a number or an object`,
			},
			static,
		},
		"a default that names no variant": {
			one(`"defaultVariant": "onn"`),
			[]string{`1:96: flags.a.defaultVariant: names no variant "onn"; instead: "on"`},
			broken,
		},
		"a default that is like none of many": {
			`{"flags": {"a": {"state": "ENABLED", "variants": {"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"9":9}, "defaultVariant": "blue"}}}`,
			[]string{`1:125: flags.a.defaultVariant: names no variant "blue"; instead: one of "1", "2", "3", "4", "5", "6", "7", "8", …`},
			broken,
		},
		"a default that is like none of one": {
			`{"flags": {"a": {"state": "ENABLED", "variants": {"on": 1}, "defaultVariant": "blue"}}}`,
			[]string{`1:79: flags.a.defaultVariant: names no variant "blue"; instead: "on"`},
			broken,
		},
		"a default that is the value": {
			one(`"defaultVariant": true`),
			[]string{`1:96: flags.a.defaultVariant: is a boolean; instead: one of "on", "off"; or null, for the caller's default`},
			broken,
		},
		"a default that is empty": {
			one(`"defaultVariant": ""`),
			[]string{`1:96: flags.a.defaultVariant: is empty; instead: one of "on", "off"; or null, for the caller's default`},
			fallback,
		},
		"targeting that is null": {
			one(`"defaultVariant": "on", "targeting": null`),
			[]string{`1:115: flags.a.targeting: is null; instead: an object: {"if": […]}`},
			byTable,
		},
		"targeting that is a name": {
			one(`"targeting": "on"`),
			[]string{`1:91: flags.a.targeting: is a string; instead: an object: {"if": […]}`},
			matched,
		},
		"an operator of nobody": {
			one(`"targeting": {"iff": [true, "on"]}`),
			[]string{`1:91: flags.a.targeting: unknown operator "iff"; instead: "if"`},
			broken,
		},
		"results that name no variant": {
			one(`"targeting": {"if": [{"var": "x"}, "onn", {"var": "y"}, {"fractional": [["of", 1], [true, 1]]}, {"or": [null, "on"]}]}`),
			[]string{
				`1:113: flags.a.targeting.if[1]: names no variant "onn"; instead: "on"`,
				`1:151: flags.a.targeting.if[3].fractional[0]: names no variant "of"; instead: "off"`,
				`1:162: flags.a.targeting.if[3].fractional[1]: names no variant "true"; instead: one of "on", "off"`,
			},
			matched,
		},
		"a comparison without variants for it": {
			one(`"targeting": {"==": [{"var": "x"}, 1]}`),
			[]string{
				`1:91: flags.a.targeting: can give true, and there is no variant "true"; instead: one of "on", "off"`,
				`1:91: flags.a.targeting: can give false, and there is no variant "false"; instead: one of "on", "off"`,
			},
			general,
		},
		"an evaluator that names no variant of one flag": {
			`{"$evaluators": {"e": {"if": [true, "on"]}},
			  "flags": {"b": {"state": "ENABLED", "variants": {"yes": 1}, "targeting": {"$ref": "e"}},
			            "a": {"state": "ENABLED", "variants": {"on": 1}, "targeting": {"$ref": "e"}}}}`,
			[]string{`1:37: $evaluators.e.if[1]: names no variant "on" of flag "b"; instead: "yes"`},
			matched,
		},
		"an evaluator that is wrong is told of once": {
			`{"$evaluators": {"e": {"iff": [true, "on"]}, "": {"var": "x"}, "f": "on"},
			  "flags": {"b": {"state": "ENABLED", "variants": {"on": 1}, "targeting": {"$ref": "e"}},
			            "a": {"state": "ENABLED", "variants": {"on": 1}, "targeting": {"$ref": "e"}}}}`,
			[]string{
				`1:23: $evaluators.e: unknown operator "iff"; instead: "if"`,
				`1:50: $evaluators[""]: is an evaluator without a name; instead: a name`,
				`1:69: $evaluators.f: is a string; instead: an object: {"if": […]}`,
			},
			broken,
		},
		"evaluators in an array": {
			`{"$evaluators": [], ` + one(`"defaultVariant": "on"`)[1:],
			[]string{`1:17: $evaluators: is an array; instead: an object: {"staff": {"in": […]}}`},
			static,
		},
		"metadata that are no scalars": {
			`{"metadata": {"version": {}, "flagSetId": 1, "bucketing": null}, ` + one(`"defaultVariant": "on", "metadata": {"a": null, "b": []}`)[1:],
			[]string{
				`1:26: metadata.version: is an object; instead: a string, a number or a boolean`,
				`1:43: metadata.flagSetId: is a number; instead: a string`,
				`1:59: metadata.bucketing: is null; instead: a string, a number or a boolean`,
				`1:184: flags.a.metadata.a: is null; instead: a string, a number or a boolean`,
				`1:195: flags.a.metadata.b: is an array; instead: a string, a number or a boolean`,
			},
			static,
		},
		"metadata that are none": {
			`{"metadata": "1.0", ` + one(`"defaultVariant": "on", "metadata": []`)[1:],
			[]string{
				`1:14: metadata: is a string; instead: an object: {"owner": "payments"}`,
				`1:133: flags.a.metadata: is an array; instead: an object: {"owner": "payments"}`,
			},
			static,
		},
		"bucketing of nobody": {
			`{"metadata": {"bucketing": "flagd-v3"}, ` + one(`"defaultVariant": "on", "metadata": {"bucketing": "v1"}`)[1:],
			[]string{
				`1:28: metadata.bucketing: names no bucketing; instead: "flagd-v2", "v1" or "md5-100"`,
				`1:167: flags.a.metadata.bucketing: is for the whole set; instead: metadata.bucketing, beside flags`,
			},
			static,
		},
		"a seed that does nothing": {
			one(`"defaultVariant": "on", "metadata": {"seed": "s"}`),
			[]string{
				`1:123: flags.a.metadata.seed: does nothing, since only the bucketing v1 has seeds; instead: metadata.bucketing "v1", or {"cat": ["seed", {"var": "targetingKey"}]} in the fractional`,
			},
			static,
		},
		"a seed that is a number": {
			`{"metadata": {"bucketing": "v1"}, ` + one(`"defaultVariant": "on", "metadata": {"seed": 1}`)[1:],
			[]string{`1:156: flags.a.metadata.seed: is a number; instead: a string`},
			static,
		},
		"prerequisites that are none": {
			one(`"x-prerequisites": {"flag": "b"}`),
			[]string{`1:97: flags.a.x-prerequisites: is an object; instead: an array: [{"flag": "other", "variant": "on"}]`},
			broken,
		},
		"prerequisites of nobody": {
			one(`"x-prerequisites": ["b", {}, {"flag": "aa", "variant": "on"}, {"flag": "a", "variant": "onn"}, {"flag": "a", "variant": "on", "varian": 1}]`),
			[]string{
				`1:98: flags.a.x-prerequisites[0]: is a string; instead: an object: {"flag": "other", "variant": "on"}`,
				`1:103: flags.a.x-prerequisites[1].flag: is missing; instead: a name`,
				`1:103: flags.a.x-prerequisites[1].variant: is missing; instead: a name`,
				`1:116: flags.a.x-prerequisites[2].flag: names no flag "aa"; instead: "a"`,
				`1:165: flags.a.x-prerequisites[3].variant: names no variant "onn" of flag "a"; instead: "on"`,
				`1:214: flags.a.x-prerequisites[4].varian: is no name of the format; instead: "variant"`,
			},
			broken,
		},
		"a flag that needs itself": {
			one(`"defaultVariant": "on", "x-prerequisites": [{"flag": "a", "variant": "on"}]`),
			[]string{`1:122: flags.a.x-prerequisites[0]: closes a circle: "a" -> "a"; instead: prerequisites that end`},
			broken,
		},
		"a circle, and who leads to it": {
			`{"flags": {` + needs("d", "a") + `, ` + needs("a", "e", "b") + `, ` + needs("b", "c") + `, ` + needs("c", "e", "a") + `, ` + needs("e") + `}}`,
			[]string{`1:562: flags.c.x-prerequisites[1]: closes a circle: "a" -> "b" -> "c" -> "a"; instead: prerequisites that end`},
			broken,
		},
		"a circle in a circle": {
			`{"flags": {` + needs("a", "b") + `, ` + needs("b", "c") + `, ` + needs("c", "a", "b") + `}}`,
			[]string{
				`1:368: flags.c.x-prerequisites[0]: closes a circle: "a" -> "b" -> "c" -> "a"; instead: prerequisites that end`,
				`1:400: flags.c.x-prerequisites[1]: closes a circle: "b" -> "c" -> "b"; instead: prerequisites that end`,
			},
			broken,
		},
		"two circles": {
			`{"flags": {` + needs("a", "b", "c") + `, ` + needs("b", "a") + `, ` + needs("c", "a") + `}}`,
			[]string{
				`1:270: flags.b.x-prerequisites[0]: closes a circle: "a" -> "b" -> "a"; instead: prerequisites that end`,
				`1:400: flags.c.x-prerequisites[0]: closes a circle: "a" -> "c" -> "a"; instead: prerequisites that end`,
			},
			broken,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			set, mistakes := definition.Compile([]byte(test.document), false)
			require.Nil(t, set)
			require.Equal(t, test.want, lines(mistakes))

			set, again := definition.Compile([]byte(test.document), true)
			require.Equal(t, mistakes, again, "a lenient reader is told the same")
			require.Equal(t, test.lenient, leniently(set))
		})
	}
}

// needs is a flag with its prerequisites.
func needs(key string, others ...string) string {
	var list []string
	for _, other := range others {
		list = append(list, fmt.Sprintf(`{"flag": %q, "variant": "on"}`, other))
	}
	return fmt.Sprintf(`%q: {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "x-prerequisites": [%s]}`,
		key, strings.Join(list, ", "))
}

func lines(mistakes []tree.Mistake) []string {
	var all []string
	for _, m := range mistakes {
		all = append(all, m.String())
	}
	return all
}

func leniently(set *definition.Set) lenient {
	if set == nil {
		return noSet
	}
	f := set.Flags["a"]
	outcome := outcomeOf(f, scope("k"))
	switch {
	case f == nil:
		return lenient("a is not found: " + strings.TrimPrefix(outcome, "the caller's default "))
	case f.Broken && !f.Disabled:
		return lenient("broken: " + strings.TrimPrefix(outcome, "the caller's default "))
	}
	outcome, _, _ = strings.Cut(outcome, " by ")
	return lenient(outcome)
}

func TestManyMistakes(t *testing.T) {
	flags := make([]string, 2000)
	for i := range flags {
		flags[i] = fmt.Sprintf(`"f%d": {"state": "ENABLD", "variants": {"on": true}}`, i)
	}
	_, mistakes := definition.Compile([]byte(`{"flags": {`+strings.Join(flags, ",\n")+`}}`), true)
	require.Len(t, mistakes, tree.MaxMistakes)
	require.Equal(t, `1:28: flags.f0.state: "ENABLD" is no state; instead: "ENABLED" or "DISABLED"`, mistakes[0].String())
	require.Equal(t, "there are more mistakes", mistakes[len(mistakes)-1].String())
}

func TestBounds(t *testing.T) {
	chain := func(n int) string {
		flags := []string{needs("f0")}
		for i := 1; i < n; i++ {
			flags = append(flags, needs(fmt.Sprint("f", i), fmt.Sprint("f", i-1)))
		}
		return `{"flags": {` + strings.Join(flags, ",\n") + `}}`
	}
	flag := `"f#": {"state": "ENABLED", "variants": {"on": true}}`
	tests := map[string]struct{ at, beyond, want string }{
		"flags": {
			`{"flags": {` + repeat(20_000, flag) + `}}`, `{"flags": {` + repeat(20_001, flag) + `}}`,
			"1:11: flags: has 20001 flags; instead: at most 20000",
		},
		"variants of a flag": {
			`{"flags": {"a": {"state": "ENABLED", "variants": {` + repeat(1000, `"v#": 1`) + `}}}}`,
			`{"flags": {"a": {"state": "ENABLED", "variants": {` + repeat(1001, `"v#": 1`) + `}}}}`,
			"1:50: flags.a.variants: has 1001 variants; instead: at most 1000",
		},
		"variants of all flags": {
			`{"flags": {` + repeat(200, `"f#": {"state": "ENABLED", "variants": {`+repeat(1000, `"v#": 1`)+`}}`) + `}}`,
			`{"flags": {` + repeat(201, "\n"+`"f#": {"state": "ENABLED", "variants": {`+repeat(1000, `"v#": 1`)+`}}`) + `}}`,
			"202:42: flags.f200.variants: are more than a set may have; instead: at most 200000 in all flags",
		},
		"metadata": {
			`{"metadata": {` + repeat(100, `"m#": 1`) + `}, "flags": {` + flag + `}}`,
			`{"metadata": {` + repeat(101, `"m#": 1`) + `}, "flags": {` + flag + `}}`,
			"1:14: metadata: has 101 members; instead: at most 100",
		},
		"prerequisites, one after the other": {
			chain(100), chain(101),
			`101:99: flags.f100.x-prerequisites: lead to more than 100 flags; instead: fewer`,
		},
		"prerequisites beside one another": {
			`{"flags": {` + needs("a") + "," + needs("b", slicesOf("a", 99)...) + `}}`,
			`{"flags": {` + needs("a") + "," + needs("b", slicesOf("a", 101)...) + `}}`,
			"1:206: flags.b.x-prerequisites: has too many of them; instead: at most 100",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			set, mistakes := definition.Compile([]byte(test.at), false)
			require.Empty(t, lines(mistakes))
			require.NotNil(t, set)
			_, mistakes = definition.Compile([]byte(test.beyond), false)
			require.Equal(t, test.want, mistakes[0].String())
		})
	}
}

// repeat is a list, with # as the number.
func repeat(n int, format string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = strings.ReplaceAll(format, "#", fmt.Sprint(i))
	}
	return strings.Join(all, ", ")
}

func TestManyFlagsThatReferToALargeEvaluator(t *testing.T) {
	_, mistakes := definition.Compile([]byte(`{"flags": {`+
		repeat(12, `"f#": {"state": "ENABLED", "variants": {"on": true}, "targeting": {"if": [{"$ref": "c"}, "on"]}}`)+`}, "$evaluators": {
			"a": {"in": [{"var": "x"}, [`+repeat(1000, "#")+`]]},
			"b": {"and": [`+repeat(20, `{"$ref": "a"}`)+`]},
			"c": {"and": [`+repeat(20, `{"$ref": "b"}`)+`]}}}`), false)
	require.Equal(t, []string{
		"flags.f8.targeting: is more targeting than a set may have, with its $refs",
		"flags.f9.targeting: is more targeting than a set may have, with its $refs",
		"flags.f10.targeting: is more targeting than a set may have, with its $refs",
		"flags.f11.targeting: is more targeting than a set may have, with its $refs",
	}, problems(mistakes[:4]), "package logic has refused the others, for the size of each")
}

func problems(mistakes []tree.Mistake) []string {
	var all []string
	for _, m := range mistakes {
		all = append(all, m.Path+": "+m.Problem)
	}
	return all
}

func slicesOf(s string, n int) []string { return strings.Fields(strings.Repeat(s+" ", n)) }
