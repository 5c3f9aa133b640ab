package definition_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/definition"
)

func TestChanged(t *testing.T) {
	const before = `{
		"metadata": {"version": "1", "bucketing": "v1"},
		"$evaluators": {"staff": {"$ref": "domain"}, "domain": {"ends_with": [{"var": "email"}, "@example.org"]}, "idle": {"var": "x"}},
		"flags": {
			"plain": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
			"staff": {"state": "ENABLED", "variants": {"on": true, "off": false}, "targeting": {"if": [{"$ref": "staff"}, "on"]}},
			"split": {"state": "ENABLED", "variants": {"on": true, "off": false}, "targeting": {"fractional": [["on", 1], ["off", 1]]}},
			"needs": {"state": "ENABLED", "variants": {"on": true}, "x-prerequisites": [{"flag": "staff", "variant": "on"}]},
			"needs needs": {"state": "ENABLED", "variants": {"on": true}, "x-prerequisites": [{"flag": "needs", "variant": "on"}]}
		}}`
	tests := map[string]struct {
		change []string // from, to
		want   []string
	}{
		"nothing":                          {nil, nil},
		"the version only":                 {[]string{`"version": "1"`, `"version": "2"`}, nil},
		"how it is written":                {[]string{`{"on": true, "off": false}, "defaultVariant": "on"`, `{"off":false,"on":true},"defaultVariant":"o\u006e"`}, nil},
		"an evaluator that nobody uses":    {[]string{`{"var": "x"}`, `{"var": "y"}`}, nil},
		"a flag":                           {[]string{`"defaultVariant": "on"`, `"defaultVariant": "off"`}, []string{"plain"}},
		"a flag and a new one":             {[]string{`"plain"`, `"new"`}, []string{"new", "plain"}},
		"an evaluator's evaluator":         {[]string{"@example.org", "@example.com"}, []string{"needs", "needs needs", "staff"}},
		"a prerequisite":                   {[]string{`{"$ref": "staff"}, "on"`, `{"$ref": "staff"}, "off"`}, []string{"needs", "needs needs", "staff"}},
		"the bucketing":                    {[]string{`"v1"`, `"md5-100"`}, []string{"needs", "needs needs", "split", "staff"}},
		"metadata of a flag are of a flag": {[]string{`"defaultVariant": "on"`, `"defaultVariant": "on", "metadata": {"owner": "us"}`}, []string{"plain"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			old, set := compiled(t, before), compiled(t, strings.NewReplacer(test.change...).Replace(before))
			require.Equal(t, test.want, set.Changed(old))
			require.Equal(t, test.want, old.Changed(set), "and back")
		})
	}
	set := compiled(t, before)
	require.Equal(t, []string{"needs", "needs needs", "plain", "split", "staff"}, set.Changed(nil))
	require.Empty(t, set.Changed(set))
}

func TestChangedByAMistakeOfAnotherFlag(t *testing.T) {
	old := compiled(t, `{"flags": {`+needs("a")+`, `+needs("b", "a")+`}}`)
	set, mistakes := definition.Compile([]byte(`{"flags": {`+needs("a", "b")+`, `+needs("b", "a")+`}}`), true)
	require.Len(t, mistakes, 1)
	require.Equal(t, []string{"a", "b"}, set.Changed(old))
	require.Equal(t, []string{"a", "b"}, old.Changed(set))
}
