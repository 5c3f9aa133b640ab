package definition_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/definition"
)

func TestNarrower(t *testing.T) {
	flag := func(rest string) string {
		return `{"flags": {"a": {"state": "ENABLED", "variants": {"on": "new", "b": "other", "off": "old"}, ` + rest + `}}}`
	}
	off := func(targeting string) string { return flag(`"defaultVariant": "off", "targeting": ` + targeting) }
	split := func(arms string) string { return off(`{"fractional": [` + arms + `]}`) }
	rule := func(then, otherwise string) string {
		return off(`{"if": [{"==": [{"var": "country"}, "de"]}, ` + then + `, ` + otherwise + `]}`)
	}
	behind := func(key, other string) string {
		return `{"flags": {"other": {"state": "ENABLED", "variants": {"yes": 1, "no": 0}, "defaultVariant": "no", ` + other + `},
			"a": {"state": "ENABLED", "variants": {"on": "new", "off": "old"}, "defaultVariant": "on",
			      "x-prerequisites": [{"flag": "other", "variant": "` + key + `"}]}}}`
	}
	yes := func(weight int) string {
		return fmt.Sprintf(`"targeting": {"fractional": [["yes", %d], ["no", 100]]}`, weight)
	}
	tests := map[string]struct {
		old, new string
		want     bool
	}{
		"nothing changes":                   {split(`["on", 5], ["off", 95]`), split(`["on", 5], ["off", 95]`), true},
		"it is gone":                        {split(`["on", 5], ["off", 95]`), `{"flags": {` + needs("b") + `}}`, true},
		"it is disabled":                    {flag(`"defaultVariant": "off"`), strings.Replace(flag(`"defaultVariant": "on"`), "ENABLED", "DISABLED", 1), true},
		"it is new":                         {`{"flags": {` + needs("b") + `}}`, flag(`"defaultVariant": "on"`), false},
		"it is new, and off":                {`{"flags": {` + needs("b") + `}}`, flag(`"defaultVariant": "off"`), true},
		"it is new, without a default":      {`{"flags": {` + needs("b") + `}}`, flag(`"defaultVariant": null`), true},
		"it is enabled":                     {strings.Replace(split(`["on", 5]`), "ENABLED", "DISABLED", 1), split(`["on", 5]`), false},
		"off for all":                       {split(`["on", 5], ["off", 95]`), flag(`"defaultVariant": "off"`), true},
		"on for all":                        {split(`["on", 5], ["off", 95]`), flag(`"defaultVariant": "on"`), false},
		"on as before":                      {flag(`"defaultVariant": "on"`), flag(`"defaultVariant": "on"`), true},
		"the default is another":            {flag(`"defaultVariant": "on"`), flag(`"defaultVariant": "b"`), false},
		"the default goes":                  {flag(`"defaultVariant": "on"`), flag(`"defaultVariant": null`), true},
		"fewer":                             {split(`["on", 20], ["off", 80]`), split(`["on", 5], ["off", 95]`), true},
		"more":                              {split(`["on", 5], ["off", 95]`), split(`["on", 6], ["off", 94]`), false},
		"fewer, in finer parts":             {split(`["on", 20], ["off", 80]`), split(`["on", 19999], ["off", 80001]`), true},
		"more, in finer parts":              {split(`["on", 20], ["off", 80]`), split(`["on", 20001], ["off", 79999]`), false},
		"nobody":                            {split(`["on", 20], ["off", 80]`), split(`["on", 0], ["off", 100]`), true},
		"no weights at all":                 {split(`["on", 20], ["off", 80]`), split(`["on", 0], ["off", 0]`), true},
		"no weights, and the default is on": {flag(`"defaultVariant": "on", "targeting": {"fractional": [["on", 20], ["off", 80]]}`), flag(`"defaultVariant": "on", "targeting": {"fractional": [["on", 0], ["off", 0]]}`), false},
		"as many, but others":               {split(`["on", 20], ["off", 80]`), split(`["off", 80], ["on", 20]`), false},
		"fewer, from the other end":         {split(`["on", 50], ["off", 50]`), split(`["off", 10], ["on", 40], ["off", 50]`), true},
		"two arms become one":               {split(`["on", 10], ["on", 10], ["off", 80]`), split(`["on", 20], ["off", 80]`), true},
		"one becomes two":                   {split(`["on", 20], ["off", 80]`), split(`["on", 5], ["off", 10], ["on", 5], ["off", 80]`), true},
		"a gap closes":                      {split(`["on", 5], ["off", 10], ["on", 5], ["off", 80]`), split(`["on", 20], ["off", 80]`), false},
		"b moves into on's place":           {split(`["on", 20], ["b", 20], ["off", 60]`), split(`["on", 10], ["b", 20], ["off", 70]`), false},
		"b stays in its place":              {split(`["on", 20], ["b", 20], ["off", 60]`), split(`["on", 10], ["off", 10], ["b", 20], ["off", 60]`), true},
		"a weight of its own accord":        {split(`["on"], ["off", 3]`), split(`["on", 1], ["off", 4]`), true},
		"a negative weight":                 {split(`["on", 5], ["off", 95]`), split(`["on", -5], ["off", 95]`), true},
		"a computed weight":                 {split(`["on", 5], ["off", 95]`), split(`["on", {"var": "x"}], ["off", 95]`), false},
		"a computed variant":                {split(`["on", 5], ["off", 95]`), split(`[{"var": "x"}, 1], ["off", 99]`), false},
		"by another attribute":              {split(`{"var": "account"}, ["on", 20], ["off", 80]`), split(`{"var": "user"}, ["on", 5], ["off", 95]`), false},
		"fewer, by the same":                {split(`{"var": "account"}, ["on", 20], ["off", 80]`), split(`{"var": "account"}, ["on", 5], ["off", 95]`), true},
		"null, where the default is on":     {flag(`"defaultVariant": "on", "targeting": {"fractional": [["off", 50], ["on", 50]]}`), flag(`"defaultVariant": "on", "targeting": {"fractional": [["off", 50], [null, 50]]}`), true},
		"null, where it was off":            {flag(`"defaultVariant": "on", "targeting": {"fractional": [["off", 50], ["on", 50]]}`), flag(`"defaultVariant": "on", "targeting": {"fractional": [["off", 40], [null, 60]]}`), false},
		"all become a few":                  {off(`{"if": [true, "on"]}`), off(`{"if": [true, {"fractional": [["on", 50], ["off", 50]]}]}`), true},
		"all become some of the others":     {off(`{"if": [true, "on"]}`), off(`{"if": [true, {"fractional": [["b", 50], ["off", 50]]}]}`), false},
		"all but the anonymous, who get the default": {
			flag(`"defaultVariant": "b", "targeting": {"if": [true, "on"]}`), flag(`"defaultVariant": "b", "targeting": {"if": [true, {"fractional": [["on", 50], ["off", 50]]}]}`), false,
		},
		"a default becomes a few":  {flag(`"defaultVariant": "on"`), flag(`"defaultVariant": "on", "targeting": {"fractional": [["on", 50], ["off", 50]]}`), true},
		"fewer, in a rule":         {rule(`{"fractional": [["on", 20], ["off", 80]]}`, `null`), rule(`{"fractional": [["on", 5], ["off", 95]]}`, `null`), true},
		"more, in a rule":          {rule(`{"fractional": [["on", 5], ["off", 95]]}`, `null`), rule(`{"fractional": [["on", 6], ["off", 94]]}`, `null`), false},
		"a rule becomes off":       {rule(`"on"`, `"b"`), rule(`"on"`, `"off"`), true},
		"a rule becomes null":      {rule(`"on"`, `"b"`), rule(`null`, `"b"`), true},
		"a rule becomes another":   {rule(`"on"`, `"b"`), rule(`"b"`, `"b"`), false},
		"another condition":        {rule(`"on"`, `"off"`), strings.Replace(rule(`"on"`, `"off"`), `"de"`, `"fr"`, 1), false},
		"a rule more":              {off(`{"if": [{"var": "x"}, "on"]}`), off(`{"if": [{"var": "x"}, "on", {"var": "y"}, "off"]}`), false},
		"a value is another":       {split(`["on", 20], ["off", 80]`), strings.Replace(split(`["on", 5], ["off", 95]`), `"new"`, `"newer"`, 1), false},
		"the value of off":         {split(`["on", 20], ["off", 80]`), strings.Replace(split(`["on", 5], ["off", 95]`), `"old"`, `"older"`, 1), true},
		"a variant more":           {off(`{"var": "x"}`), strings.Replace(off(`{"var": "x"}`), `"on": "new"`, `"on": "new", "c": "third"`, 1), false},
		"another bucketing":        {split(`["on", 20], ["off", 80]`), `{"metadata": {"bucketing": "v1"}, ` + split(`["on", 5], ["off", 95]`)[1:], false},
		"a prerequisite more":      {`{"flags": {` + needs("a") + `, ` + needs("b") + `}}`, `{"flags": {` + needs("a", "b") + `, ` + needs("b") + `}}`, true},
		"a prerequisite fewer":     {`{"flags": {` + needs("a", "b") + `, ` + needs("b") + `}}`, `{"flags": {` + needs("a") + `, ` + needs("b") + `}}`, false},
		"needs what is for fewer":  {behind("yes", yes(20)), behind("yes", yes(10)), true},
		"needs what is for more":   {behind("yes", yes(20)), behind("yes", yes(30)), false},
		"needs the opposite":       {behind("no", yes(20)), behind("no", yes(10)), false},
		"needs what is disabled":   {behind("no", yes(20)), strings.Replace(behind("no", yes(20)), "ENABLED", "DISABLED", 1), true},
		"needs what was disabled":  {strings.Replace(behind("no", yes(20)), "ENABLED", "DISABLED", 1), behind("no", yes(20)), false},
		"an evaluator is another":  {`{"$evaluators": {"e": {"var": "x"}}, ` + off(`{"if": [{"$ref": "e"}, "on"]}`)[1:], `{"$evaluators": {"e": {"var": "y"}}, ` + off(`{"if": [{"$ref": "e"}, "on"]}`)[1:], false},
		"another operator":         {off(`{"if": [{"var": "x"}, "on"]}`), off(`{"or": [{"var": "x"}, "on"]}`), false},
		"targeting where was none": {flag(`"defaultVariant": "off"`), off(`{"if": [{"var": "x"}, "on"]}`), false},
	}
	safe := func(variant string) bool { return variant == "off" }
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			old, set := compiled(t, test.old), compiled(t, test.new)
			require.Equal(t, test.want, definition.Narrower(old.Flags["a"], set.Flags["a"], safe))
			if test.want {
				requireNarrower(t, old.Flags["a"], set.Flags["a"], safe, test.old+"\n"+test.new)
			}
		})
	}
	require.True(t, definition.Narrower(nil, nil, nil))
	require.False(t, definition.Narrower(nil, compiled(t, flag(`"defaultVariant": "off"`)).Flags["a"], nil), "nothing is safe if nobody says so")
	wrong, _ := definition.Compile([]byte(flag(`"defaultVariant": "of"`)), true)
	require.True(t, definition.Narrower(nil, wrong.Flags["a"], nil), "what is broken gives nothing")
	require.False(t, definition.Narrower(wrong.Flags["a"], compiled(t, flag(`"defaultVariant": "on"`)).Flags["a"], safe))
}

// requireNarrower asks both flags about hundreds of subjects.
func requireNarrower(t *testing.T, old, set *definition.Flag, safe func(string) bool, about string) {
	t.Helper()
	if set == nil {
		return
	}
	value := func(f *definition.Flag, i int) string {
		key := fmt.Sprint("user-", i)
		if i%50 == 0 {
			key = ""
		}
		out := f.Evaluate(scope(key, "country", []string{"de", "fr"}[i%2], "x", []string{"", "on", "b"}[i%3], "account", key))
		if out.Variant < 0 || f == set && safe(f.Variants[out.Variant].Name) {
			return ""
		}
		return f.Variants[out.Variant].Name + " " + string(f.Variants[out.Variant].JSON)
	}
	for i := range 500 {
		if given := value(set, i); given != "" && given != value(old, i) {
			t.Fatalf("subject %d gets %s, and had %q before\n%s", i, given, value(old, i), about)
		}
	}
}

// Two documents at random, of few building blocks, so that they are often related.
func TestNarrowerAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	safe := func(variant string) bool { return variant == "off" }
	found := 0
	for range 3000 {
		a, b := randomDocument(random), randomDocument(random)
		if random.IntN(2) == 0 {
			b = mutated(random, a)
		}
		old, _ := definition.Compile([]byte(a), true)
		set, _ := definition.Compile([]byte(b), true)
		require.NotNil(t, set, b)
		for _, key := range []string{"a", "b"} {
			if definition.Narrower(old.Flags[key], set.Flags[key], safe) {
				found++
				requireNarrower(t, old.Flags[key], set.Flags[key], safe, a+"\n"+b)
			}
		}
	}
	require.Greater(t, found, 800, "otherwise it says nothing")
}

func randomDocument(random *rand.Rand) string {
	flag := func(rest string) string {
		return fmt.Sprintf(`{"state": %q, "variants": {"on": "new", "b": "other", "off": "old"}%s, "targeting": %s%s}`,
			pick(random, "ENABLED", "ENABLED", "ENABLED", "ENABLED", "DISABLED"),
			pick(random, "", `, "defaultVariant": "off"`, `, "defaultVariant": "on"`, `, "defaultVariant": null`),
			randomResult(random, 2), rest)
	}
	needs := pick(random, "", "", `, "x-prerequisites": [{"flag": "b", "variant": "on"}]`, `, "x-prerequisites": [{"flag": "b", "variant": "off"}]`)
	return fmt.Sprintf(`{"metadata": {"bucketing": %q}, "$evaluators": {"e": %s}, "flags": {"a": %s, "b": %s}}`,
		pick(random, "v1", "v1", "v1", "md5-100", "flagd-v2"), randomResult(random, 1), flag(needs), flag(""))
}

func randomResult(random *rand.Rand, depth int) string {
	constant := pick(random, `"on"`, `"b"`, `"off"`, "null")
	if depth == 0 {
		return constant
	}
	switch random.IntN(6) {
	case 0, 1:
		return fmt.Sprintf(`{"if": [%s, %s, %s]}`, pick(random, `{"==": [{"var": "country"}, "de"]}`, `{"var": "x"}`, `{"fractional": [[true, 30], [false, 70]]}`),
			randomResult(random, depth-1), randomResult(random, depth-1))
	case 2, 3, 4:
		arms := []string{}
		for range 1 + random.IntN(4) {
			arms = append(arms, fmt.Sprintf(`[%s, %s]`, pick(random, `"on"`, `"b"`, `"off"`, `"off"`, "null"), pick(random, "0", "5", "20", "50", "100", "95")))
		}
		return `{"fractional": [` + pick(random, "", "", `{"var": "account"}, `, `{"cat": ["s", {"var": "account"}]}, `) + strings.Join(arms, ", ") + `]}`
	default:
		return pick(random, `{"$ref": "e"}`, `{"var": "x"}`, `{"if": [true, `+constant+`]}`)
	}
}

func pick(random *rand.Rand, all ...string) string { return all[random.IntN(len(all))] }

// mutated is a document with one to three of its pieces replaced by others of their kind.
func mutated(random *rand.Rand, document string) string {
	kinds := [][]string{
		{`["on", `, `["b", `, `["off", `, "[null, "},
		{", 0]", ", 5]", ", 20]", ", 50]", ", 95]", ", 100]"},
		{`, "on"]}`, `, "off"]}`, `, "b"]}`, ", null]}"},
		{`"state": "ENABLED"`, `"state": "DISABLED"`},
		{`"v1"`, `"flagd-v2"`},
		{`{"var": "account"}`, `{"var": "x"}`},
	}
	for range 1 + random.IntN(3) {
		kind := kinds[random.IntN(len(kinds))]
		from, to := pick(random, kind...), pick(random, kind...)
		if parts := strings.SplitN(document, from, 2+random.IntN(3)); len(parts) > 1 {
			last := len(parts) - 1
			document = strings.Join(parts[:last], from) + to + parts[last]
		}
	}
	return document
}
