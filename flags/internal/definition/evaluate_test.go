package definition_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/bucket"
	"github.com/handover-go/handover/flags/internal/definition"
	"github.com/handover-go/handover/flags/internal/logic"
)

func compiled(t testing.TB, document string) *definition.Set {
	t.Helper()
	set, mistakes := definition.Compile([]byte(document), false)
	require.Empty(t, lines(mistakes))
	return set
}

func scope(key string, attributes ...any) *logic.Scope {
	s := &logic.Scope{Key: key, Attributes: map[string]any{}}
	for i := 0; i < len(attributes); i += 2 {
		s.Attributes[attributes[i].(string)] = attributes[i+1]
	}
	return s
}

// outcomeOf is an evaluation as a line of a diary.
func outcomeOf(f *definition.Flag, s *logic.Scope) string {
	out := f.Evaluate(s)
	line := "the caller's default"
	if out.Variant >= 0 {
		line = f.Variants[out.Variant].Name
	}
	line += " " + out.Reason.String()
	if out.Code != 0 {
		line += " " + out.Code.String()
	}
	if out.Rule != "" {
		line += " by " + out.Rule
	}
	if out.Skipped {
		line += ", a rollout was skipped"
	}
	return line
}

func TestEvaluate(t *testing.T) {
	set := compiled(t, `{
		"metadata": {"flagSetId": "shop", "version": "17", "team": "a", "n": 1},
		"$evaluators": {"staff": {"if": [{"ends_with": [{"var": "email"}, "@example.org"]}, "on"]}},
		"flags": {
			"static":      {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on", "targeting": {}},
			"no default":  {"state": "ENABLED", "variants": {"on": true, "off": false}},
			"disabled":    {"state": "DISABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
			"rule":        {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
			                "targeting": {"if": [{"==": [{"var": "country"}, "de"]}, "on"]}},
			"null":        {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": null,
			                "targeting": {"if": [{"==": [{"var": "country"}, "de"]}, "on", null]}},
			"rollout":     {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
			                "targeting": {"fractional": [["on", 100], ["off", 0]]}},
			"rollout in":  {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
			                "targeting": {"if": [{"==": [{"var": "country"}, "de"]}, {"fractional": [["on", 1]]}, "off"]}},
			"shorthand":   {"state": "ENABLED", "variants": {"true": "yes", "false": "no"}, "defaultVariant": "false",
			                "targeting": {"==": [{"var": "country"}, "de"]}},
			"computed":    {"state": "ENABLED", "variants": {"red": 1, "blue": 2, "3": 3}, "targeting": {"var": "color"}},
			"by a ref":    {"state": "ENABLED", "variants": {"on": true, "off": false}, "targeting": {"$ref": "staff"}},
			"many":        {"state": "ENABLED", "variants": {"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"9":9}, "targeting": {"var": "n"}},
			"needs":       {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
			                "x-prerequisites": [{"flag": "static", "variant": "on"}, {"flag": "rollout", "variant": "on"}]},
			"needs needs": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
			                "x-prerequisites": [{"flag": "needs", "variant": "on"}]},
			"needs off":   {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
			                "x-prerequisites": [{"flag": "disabled", "variant": "on"}]}
		}}`)
	tests := map[string]struct {
		flag string
		s    *logic.Scope
		want string
	}{
		"no targeting":                         {"static", scope(""), "on STATIC"},
		"no scope":                             {"static", nil, "on STATIC"},
		"no scope, and a rule":                 {"rule", nil, "off DEFAULT"},
		"no default":                           {"no default", scope("k"), "the caller's default DEFAULT"},
		"disabled":                             {"disabled", scope("k"), "the caller's default DISABLED"},
		"not found":                            {"gone", scope("k"), "the caller's default ERROR FLAG_NOT_FOUND"},
		"a rule that matches":                  {"rule", scope("", "country", "de"), "on TARGETING_MATCH by targeting.if[1]"},
		"a rule that does not":                 {"rule", scope("", "country", "fr"), "off DEFAULT"},
		"a rule that matches, and no default":  {"null", scope("", "country", "de"), "on TARGETING_MATCH by targeting.if[1]"},
		"a rule that does not, and no default": {"null", scope(""), "the caller's default DEFAULT"},
		"a rollout":                            {"rollout", scope("k"), "on SPLIT by targeting.fractional[0]"},
		"a rollout without a key":              {"rollout", scope(""), "off DEFAULT, a rollout was skipped"},
		"a rollout in a rule":                  {"rollout in", scope("k", "country", "de"), "on SPLIT by targeting.if[1].fractional[0]"},
		"a rollout in a rule without a key":    {"rollout in", scope("", "country", "de"), "off DEFAULT, a rollout was skipped"},
		"a rollout that was not reached":       {"rollout in", scope("k"), "off TARGETING_MATCH by targeting.if[2]"},
		"true is a variant":                    {"shorthand", scope("", "country", "de"), "true TARGETING_MATCH"},
		"false is one":                         {"shorthand", scope(""), "false TARGETING_MATCH"},
		"computed":                             {"computed", scope("", "color", "blue"), "blue TARGETING_MATCH"},
		"computed, a number":                   {"computed", scope("", "color", 3), "3 TARGETING_MATCH"},
		"computed, and no variant":             {"computed", scope("", "color", "green"), "the caller's default ERROR GENERAL"},
		"computed, and a list":                 {"computed", scope("", "color", []any{"red"}), "the caller's default ERROR GENERAL"},
		"by an evaluator":                      {"by a ref", scope("", "email", "a@example.org"), "on TARGETING_MATCH by $evaluators.staff.if[1]"},
		"the last of many variants":            {"many", scope("", "n", "9"), "9 TARGETING_MATCH"},
		"none of many variants":                {"many", scope("", "n", "10"), "the caller's default ERROR GENERAL"},
		"prerequisites that hold":              {"needs", scope("k"), "on STATIC"},
		"a prerequisite that does not":         {"needs", scope(""), "the caller's default DEFAULT by x-prerequisites[1], a rollout was skipped"},
		"a prerequisite's prerequisite":        {"needs needs", scope(""), "the caller's default DEFAULT by x-prerequisites[0], a rollout was skipped"},
		"a prerequisite that is disabled":      {"needs off", scope("k"), "the caller's default DEFAULT by x-prerequisites[0]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, outcomeOf(set.Flags[test.flag], test.s))
		})
	}
	require.Equal(t, "shop 17", set.ID+" "+set.Version)
	require.Equal(t, map[string]any{"flagSetId": "shop", "version": "17", "team": "a", "n": 1.0}, set.Flags["static"].Metadata)
}

func TestKilled(t *testing.T) {
	set := compiled(t, `{"flags": {`+needs("a")+`, `+needs("b", "a")+`}}`)
	a, b := set.Flags["a"], set.Flags["b"]
	a.Killed = new(atomic.Uint32)
	require.Equal(t, "on STATIC", outcomeOf(a, nil))
	require.Equal(t, "on STATIC", outcomeOf(b, nil))
	a.Killed.Store(1)
	require.Equal(t, "the caller's default DISABLED by killed", outcomeOf(a, nil))
	require.Equal(t, "the caller's default DEFAULT by x-prerequisites[0]", outcomeOf(b, nil), "who needs it falls with it")
	a.Killed.Store(0)
	require.Equal(t, "on STATIC", outcomeOf(b, nil))
}

func TestFlags(t *testing.T) {
	set := compiled(t, `{
		"metadata": {"team": "a", "owner": "nobody", "bucketing": "v1"},
		"flags": {
			"bool":   {"state": "ENABLED", "variants": {"on": true}, "metadata": {"owner": "us", "seed": "s"}},
			"string": {"state": "ENABLED", "variants": {"a": "é\u0022", "b": ""}, "defaultVariant": "b"},
			"int":    {"state": "ENABLED", "variants": {"a": 9007199254740993, "b": -1, "c": 1e3, "d": 2.0}},
			"float":  {"state": "ENABLED", "variants": {"a": 1, "b": 0.5}},
			"large":  {"state": "ENABLED", "variants": {"a": 9223372036854775808}},
			"object": {"state": "ENABLED", "variants": {"a": {"z": [1, null], "a": {}}}}
		}}`)
	describe := func(key string) string {
		f := set.Flags[key]
		line := fmt.Sprintf("%s, kind %d, whole %v, default %d:", f.Key, f.Kind, f.Whole(), f.Default)
		for _, v := range f.Variants {
			line += " " + v.Name + "=" + string(v.JSON)
		}
		return line
	}
	require.Equal(t, "bool, kind 1, whole false, default -1: on=true", describe("bool"))
	require.Equal(t, `string, kind 2, whole false, default 1: a="é\"" b=""`, describe("string"))
	require.Equal(t, "int, kind 3, whole true, default -1: a=9007199254740993 b=-1 c=1e3 d=2.0", describe("int"))
	require.Equal(t, "float, kind 3, whole false, default -1: a=1 b=0.5", describe("float"))
	require.Equal(t, "large, kind 3, whole false, default -1: a=9223372036854775808", describe("large"))
	require.Equal(t, `object, kind 4, whole false, default -1: a={"z":[1,null],"a":{}}`, describe("object"))
	require.Equal(t, bucket.V1, set.Bucketing)
	require.Equal(t, map[string]any{"team": "a", "owner": "us", "bucketing": "v1", "seed": "s"}, set.Flags["bool"].Metadata)
	require.Equal(t, set.Metadata, set.Flags["int"].Metadata)
}

func TestMixedVariantsAreOfNoKind(t *testing.T) {
	set, _ := definition.Compile([]byte(`{"flags": {"a": {"state": "ENABLED", "variants": {"on": true, "off": "x"}}}}`), true)
	require.Zero(t, set.Flags["a"].Kind)
}

func TestSeedsJoinFlags(t *testing.T) {
	rollout := `{"state": "ENABLED", "variants": {"on": true, "off": false}, "metadata": {%s}, "targeting": {"fractional": [["on", 1], ["off", 1]]}}`
	set := compiled(t, fmt.Sprintf(`{"metadata": {"bucketing": "v1"}, "flags": {"a": %s, "b": %s, "c": %s}}`,
		fmt.Sprintf(rollout, `"seed": "s"`), fmt.Sprintf(rollout, `"seed": "s"`), fmt.Sprintf(rollout, "")))
	differ := 0
	for i := range 1000 {
		s := scope(fmt.Sprint("user-", i))
		require.Equal(t, outcomeOf(set.Flags["a"], s), outcomeOf(set.Flags["b"], s))
		if outcomeOf(set.Flags["a"], s) != outcomeOf(set.Flags["c"], s) {
			differ++
		}
	}
	require.InDelta(t, 500, differ, 100, "without the seed it is another draw")
}

func TestEvaluateDoesNotAllocate(t *testing.T) {
	set := compiled(t, benchmarkDocument(1)[0])
	s := scope("user-17", "country", "it", "plan", "pro", "email", "x@example.com")
	for key, f := range set.Flags {
		require.Zero(t, testing.AllocsPerRun(100, func() { f.Evaluate(s) }), key)
	}
}

// benchmarkDocument is n times four flags: a boolean, a rollout, three rules and then
// a rollout, and one that needs these.
func benchmarkDocument(n int) []string {
	var flags []string
	for i := range n {
		flags = append(flags, strings.ReplaceAll(`
		"bool-#": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
		"rollout-#": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
			"targeting": {"fractional": [["on", 25], ["off", 75]]}},
		"rules-#": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
			"targeting": {"if": [
				{"in": [{"var": "country"}, ["de", "fr", "nl"]]}, "on",
				{"==": [{"var": "plan"}, "enterprise"]}, "on",
				{"ends_with": [{"var": "email"}, "@example.org"]}, "off",
				{"fractional": [["on", 25], ["off", 75]]}]}},
		"needs-#": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
			"x-prerequisites": [{"flag": "bool-#", "variant": "on"}, {"flag": "rules-#", "variant": "off"}]}`, "#", fmt.Sprint(i)))
	}
	return []string{`{"flags": {` + strings.Join(flags, ",") + `}}`}
}

func BenchmarkCompile(b *testing.B) {
	document := []byte(benchmarkDocument(125)[0]) // 500 flags
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if set, _ := definition.Compile(document, false); len(set.Flags) != 500 {
			b.Fatal("not all of them")
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	set := compiled(b, benchmarkDocument(1)[0])
	s := scope("user-17", "country", "it", "plan", "pro", "email", "x@example.com")
	for _, key := range []string{"bool-0", "rollout-0", "rules-0", "needs-0"} {
		b.Run(key, func(b *testing.B) {
			f := set.Flags[key]
			b.ReportAllocs()
			for b.Loop() {
				f.Evaluate(s)
			}
		})
	}
}

func TestNeedsWhatIsBroken(t *testing.T) {
	set, mistakes := definition.Compile([]byte(`{"flags": {`+needs("a", "b")+`, "b": {"state": "ENABLED"}}}`), true)
	require.NotEmpty(t, mistakes)
	require.Equal(t, "the caller's default ERROR PARSE_ERROR", outcomeOf(set.Flags["b"], scope("k")))
	require.Equal(t, "the caller's default DEFAULT by x-prerequisites[0]", outcomeOf(set.Flags["a"], scope("k")), "no variant is not the one that is asked for")
}
