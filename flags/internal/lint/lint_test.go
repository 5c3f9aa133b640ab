package lint_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/handover-go/handover/flags/internal/lint"
	"github.com/handover-go/handover/flags/internal/tree"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var today = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// lines are the findings, as "rule line:column: …".
func lines(document string) (all []string) {
	for _, f := range lint.Document([]byte(document), today) {
		all = append(all, strings.TrimSpace(f.Rule+" "+f.String()))
	}
	return all
}

// set is a document of one bucketing with what else is in it.
func set(bucketing, flags string, more ...string) string {
	return fmt.Sprintf(`{"metadata": {"bucketing": %q},%s
"flags": {
%s
}}`, bucketing, strings.Join(more, ""), flags)
}

// flag is one whose default is off.
func flag(targeting string) string {
	return fmt.Sprintf(`"f": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
"targeting": %s}`, targeting)
}

const quarter = `{"fractional": [["on", 25], ["off", 75]]}`

// cases are documents that have what a rule is about, and documents that only look so.
var cases = map[string]map[string]struct {
	document string
	want     []string
}{
	"bucketing-unnamed": {
		"rollouts without a name": {
			`{"flags": {` + flag(quarter) + `}}`,
			[]string{`bucketing-unnamed 1:1: metadata: no bucketing is named, though there are rollouts: it is flagd's, as long as this reader is of its version; instead: "bucketing": "flagd-v2" for what is now; "v1" for a new set`},
		},
		"rollouts in an evaluator, and other metadata": {
			`{"metadata": {"team": "a"}, "$evaluators": {"quarter": ` + quarter + `}, "flags": {` + flag(`{"$ref": "quarter"}`) + `}}`,
			[]string{`bucketing-unnamed 1:14: metadata: no bucketing is named, though there are rollouts: it is flagd's, as long as this reader is of its version; instead: "bucketing": "flagd-v2" for what is now; "v1" for a new set`},
		},
		"a name":      {set("flagd-v2", flag(quarter)), nil},
		"no rollouts": {`{"flags": {` + flag(`{"if": [{"==": [{"var": "country"}, "ch"]}, "on"]}`) + `}}`, nil},
	},
	"md5": {
		"md5-100": {
			set("md5-100", flag(quarter)),
			[]string{`md5 1:28: metadata.bucketing: md5-100 is for agreeing with a program that does the same; instead: "v1", if there is none`},
		},
		"another": {set("v1", flag(quarter)), nil},
	},
	"grain": {
		"one of a million": {
			set("md5-100", flag(`{"fractional": [["on", 1], ["off", 999999]]}`)),
			[]string{
				`md5 1:28: metadata.bucketing: md5-100 is for agreeing with a program that does the same; instead: "v1", if there is none`,
				`grain 4:30: flags.f.targeting.fractional[0]: weights of 1000000 in all are finer than 1/1000 %, which is the grain of md5-100; instead: weights of 100000 in all, or the bucketing "v1"`,
			},
		},
		"ten of a million": {
			set("md5-100", flag(`{"fractional": [["on", 10], ["off", 999990]]}`)),
			[]string{`md5 1:28: metadata.bucketing: md5-100 is for agreeing with a program that does the same; instead: "v1", if there is none`},
		},
		"a third each": {
			set("md5-100", flag(`{"fractional": [["on"], ["off"], ["on"]]}`)),
			[]string{`md5 1:28: metadata.bucketing: md5-100 is for agreeing with a program that does the same; instead: "v1", if there is none`},
		},
		"a weight that is computed": {
			set("md5-100", flag(`{"fractional": [["on", {"var": "share"}], ["off", 999999]]}`)),
			[]string{`md5 1:28: metadata.bucketing: md5-100 is for agreeing with a program that does the same; instead: "v1", if there is none`},
		},
		"one of a million, of another bucketing": {set("v1", flag(`{"fractional": [["on", 1], ["off", 999999]]}`)), nil},
	},
	"shared-buckets": {
		"by an attribute": {
			set("flagd-v2", flag(`{"fractional": [{"var": "account"}, ["on", 25], ["off", 75]]}`)),
			[]string{`shared-buckets 4:30: flags.f.targeting.fractional[0]: it goes by this alone: the same subjects are the first in each flag that does so; instead: {"cat": [{"var": "$flagd.flagKey"}, …]}, or the bucketing "v1"`},
		},
		"in an evaluator, told once": {
			set("flagd-v2", flag(`{"$ref": "quarter"}`)+","+strings.Replace(flag(`{"$ref": "quarter"}`), `"f"`, `"g"`, 1),
				`"$evaluators": {"quarter": {"fractional": [{"cat": [{"var": "a"}, {"var": "b"}]}, ["on", 25], ["off", 75]]}},`),
			[]string{`shared-buckets 1:83: $evaluators.quarter.fractional[0]: it goes by this alone: the same subjects are the first in each flag that does so; instead: {"cat": [{"var": "$flagd.flagKey"}, …]}, or the bucketing "v1"`},
		},
		"with the flag's key":            {set("flagd-v2", flag(`{"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "account"}]}, ["on", 25], ["off", 75]]}`)), nil},
		"with the flag's key, in a list": {set("flagd-v2", flag(`{"fractional": [{"cat": [{"var": ["$flagd.flagKey"]}, {"var": "account"}]}, ["on", 25], ["off", 75]]}`)), nil},
		"with the flag's key, far away": {
			set("flagd-v2", flag(`{"fractional": [{"$ref": "by"}, ["on", 25], ["off", 75]]}`),
				`"$evaluators": {"by": {"cat": [{"var": "$flagd.flagKey"}, {"var": "account"}]}},`), nil,
		},
		"with a salt of its own":   {set("flagd-v2", flag(`{"fractional": [{"cat": ["spring", {"var": "account"}]}, ["on", 25], ["off", 75]]}`)), nil},
		"of v1, which has the key": {set("v1", flag(`{"fractional": [{"var": "account"}, ["on", 25], ["off", 75]]}`)), nil},
		"by the subject's key":     {set("flagd-v2", flag(quarter)), nil},
	},
	"default-opened": {
		"true, where a rollout has false": {
			set("v1", strings.Replace(flag(quarter), `"defaultVariant": "off"`, `"defaultVariant": "on"`, 1)),
			[]string{`default-opened 3:85: flags.f.defaultVariant: it is what a rollout opens: a subject without a key gets "on" at once; instead: "off"`},
		},
		"true, where an evaluator has a rollout": {
			set("v1", strings.Replace(flag(`{"$ref": "quarter"}`), `"defaultVariant": "off"`, `"defaultVariant": "on"`, 1), `"$evaluators": {"quarter": `+quarter+`},`),
			[]string{`default-opened 3:85: flags.f.defaultVariant: it is what a rollout opens: a subject without a key gets "on" at once; instead: "off"`},
		},
		"the text that fewer get": {
			set("v1", `"f": {"state": "ENABLED", "variants": {"new": "n", "old": "o"}, "defaultVariant": "new", "targeting": {"fractional": [["new", 10], ["old", 90]]}}`),
			[]string{`default-opened 3:83: flags.f.defaultVariant: it is what a rollout opens: a subject without a key gets "new" at once; instead: "old"`},
		},
		"false":                       {set("v1", flag(quarter)), nil},
		"true, where all have it":     {set("v1", strings.Replace(flag(`{"fractional": [["on", 100], ["off", 0]]}`), `"defaultVariant": "off"`, `"defaultVariant": "on"`, 1)), nil},
		"true, where there are rules": {set("v1", strings.Replace(flag(`{"if": [{"var": "beta"}, "off"]}`), `"defaultVariant": "off"`, `"defaultVariant": "on"`, 1)), nil},
		"the text that most get":      {set("v1", `"f": {"state": "ENABLED", "variants": {"new": "n", "old": "o"}, "defaultVariant": "old", "targeting": {"fractional": [["new", 10], ["old", 90]]}}`), nil},
		"a text that none get":        {set("v1", `"f": {"state": "ENABLED", "variants": {"new": "n", "old": "o", "none": ""}, "defaultVariant": "none", "targeting": {"fractional": [["new", 10], ["old", 90]]}}`), nil},
	},
	"default-missing": {
		"not there": {
			set("v1", `"f": {"state": "ENABLED", "variants": {"on": true, "off": false}}`),
			[]string{`default-missing 3:6: flags.f: no defaultVariant: who is not taken by a rule gets the default of the program's own; instead: the safe variant`},
		},
		"null": {
			set("v1", `"f": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": null}`),
			[]string{`default-missing 3:85: flags.f.defaultVariant: null: who is not taken by a rule gets the default of the program's own; instead: the safe variant`},
		},
		"there": {set("v1", flag(`{}`)), nil},
	},
	"expired": {
		"today": {
			set("v1", `"f": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "metadata": {"expires": "2027-03-01"}}`),
			[]string{`expired 3:101: flags.f.metadata.expires: it should be gone since 2027-03-01; instead: take it out of the programs, and then from here; or a later day`},
		},
		"the whole set": {
			`{"metadata": {"expires": "2020-01-01"}, "flags": {"f": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}`,
			[]string{`expired 1:26: metadata.expires: it should be gone since 2020-01-01; instead: take it out of the programs, and then from here; or a later day`},
		},
		"no day": {
			set("v1", `"f": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "metadata": {"expires": "soon"}}, "g": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "metadata": {"expires": 2027}}`),
			[]string{
				`expired 3:101: flags.f.metadata.expires: it is no day; instead: one like "2027-03-01"`,
				`expired 3:211: flags.g.metadata.expires: it is no day; instead: one like "2027-03-01"`,
			},
		},
		"tomorrow": {set("v1", `"f": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "metadata": {"expires": "2027-03-02"}}`), nil},
	},
	"unused-evaluator": {
		"no flag has it": {
			set("v1", flag(`{}`), `"$evaluators": {"staff": {"ends_with": [{"var": "email"}, "@example.com"]}},`),
			[]string{`unused-evaluator 1:59: $evaluators.staff: no flag refers to it; instead: {"$ref": "staff"} somewhere, or nothing`},
		},
		"only one that no flag has": {
			set("v1", flag(`{}`), `"$evaluators": {"staff": {"var": "staff"}, "most": {"!": [{"$ref": "staff"}]}},`),
			[]string{
				`unused-evaluator 1:59: $evaluators.staff: no flag refers to it; instead: {"$ref": "staff"} somewhere, or nothing`,
				`unused-evaluator 1:85: $evaluators.most: no flag refers to it; instead: {"$ref": "most"} somewhere, or nothing`,
			},
		},
		"by way of another": {
			set("v1", flag(`{"if": [{"$ref": "most"}, "on"]}`), `"$evaluators": {"staff": {"var": "staff"}, "most": {"!": [{"$ref": "staff"}]}},`), nil,
		},
	},
}

func TestRules(t *testing.T) {
	for rule, documents := range cases {
		for name, test := range documents {
			t.Run(rule+"/"+name, func(t *testing.T) { require.Equal(t, test.want, lines(test.document)) })
		}
	}
}

func TestEachRuleCanWarnAndCanBeSilent(t *testing.T) {
	for _, rule := range lint.Rules() {
		require.NotEmpty(t, rule.Why)
		warned, silent := false, false
		for _, test := range cases[rule.Name] {
			has := strings.Contains(strings.Join(test.want, "\n"), rule.Name+" ")
			warned, silent = warned || has, silent || !has
		}
		require.True(t, warned && silent, "%s needs a document that has it and one that has not", rule.Name)
	}
	require.Len(t, lint.Rules(), len(cases))
}

func TestMistakesAndWarningsTogether(t *testing.T) {
	require.Equal(t, []string{
		`1:28: metadata.bucketing: names no bucketing; instead: "flagd-v2", "v1" or "md5-100"`,
		`unused-evaluator 1:59: $evaluators.staff: no flag refers to it; instead: {"$ref": "staff"} somewhere, or nothing`,
		`4:14: flags.f.targeting: unknown operator "fractionl"; instead: "fractional"`,
	}, lines(set("v3", flag(`{"fractionl": []}`), `"$evaluators": {"staff": {"var": "x"}},`)))
}

func TestDocumentsOfAnyShape(t *testing.T) {
	tests := map[string]string{
		"nothing":           "",
		"no JSON":           "flags: yes",
		"binary":            "\x00\xff\xfe\x01",
		"no object":         "[]",
		"flags that are no": `{"metadata": 3, "$evaluators": "x", "flags": [1]}`,
		"a flag that is no": `{"metadata": {"bucketing": {}, "expires": []}, "$evaluators": {"a": 1}, "flags": {"f": 1, "g": {}, "h": {"variants": 1, "defaultVariant": 2, "targeting": {"fractional": 3}, "metadata": []}}}`,
		"arms that are no":  set("md5-100", flag(`{"fractional": [{}, [], 1, ["on", -1], ["off", 1e300], [1, 2, 3], ["on", null]]}`)),
		"a circle":          set("v1", flag(`{"$ref": "a"}`), `"$evaluators": {"a": {"$ref": "b"}, "b": {"$ref": "a"}},`),
		"a ref to nothing":  set("v1", flag(`{"$ref": "a"}`)),
		"a ref that is no":  set("v1", flag(`{"$ref": [1]}`)),
	}
	for name, document := range tests {
		t.Run(name, func(t *testing.T) { require.NotEmpty(t, lines(document)) })
	}
}

func TestWarningsAreBounded(t *testing.T) {
	var all []string
	for i := range tree.MaxMistakes + 234 {
		all = append(all, fmt.Sprintf(`"f%d": {"state": "ENABLED", "variants": {"on": true}}`, i))
	}
	found := lines(set("v1", strings.Join(all, ",\n")))
	require.Len(t, found, tree.MaxMistakes+1)
	require.Equal(t, "more 1:1: there are 234 more warnings; instead: fewer, and then again", found[0])
}

// Twenty evaluators that each name the next one twice are a million.
func TestRefsAreBounded(t *testing.T) {
	var all []string
	for i := range 2000 {
		all = append(all, fmt.Sprintf(`"e%d": {"or": [{"$ref": "e%d"}, {"$ref": "e%d"}]}`, i, i+1, i+1))
	}
	all = append(all, `"e2000": `+quarter)
	found := lines(set("v1", flag(`{"$ref": "e0"}`), `"$evaluators": {`+strings.Join(all, ",")+`},`))
	require.NotEmpty(t, found, "it is too much for a Client")
}

func FuzzDocument(f *testing.F) {
	for _, documents := range cases {
		for _, test := range documents {
			f.Add([]byte(test.document))
		}
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, finding := range lint.Document(document, today) {
			require.NotEmpty(t, finding.Problem)
			require.Positive(t, finding.Line)
		}
	})
}
