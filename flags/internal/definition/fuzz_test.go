package definition_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/definition"
)

// FuzzCompile: no document panics, a strict reader has a set or a mistake, and what a
// lenient one has can be evaluated, always with the same result.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`{"flags": {"a": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}`,
		`{"flags": {` + needs("a", "b") + `, ` + needs("b", "a", "c") + `, ` + needs("c") + `}}`,
		`{"$evaluators": {"a": {"$ref": "b"}, "b": {"$ref": "a"}}, "flags": {"a": {"state": "E", "variants": {"": [], "b": 1e3}, "targeting": {"$ref": "a"}}}}`,
		`{"metadata": {"bucketing": "v1", "version": 1}, "flags": {"": {"metadata": {"seed": "x"}, "targeting": null, "x-prerequisites": [{"flag": ""}]}}}`,
		`{"flags": {"a": {"variants": {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6": 6, "7": 7, "8": 8, "9": 9}, "defaultVariant": "", "targeting": {"var": "x"}}}}`,
		`{"flags": []}`, `[]`, `{"flags": {"a": 1, "a": {}}}`,
		benchmarkDocument(1)[0],
	} {
		f.Add([]byte(seed))
	}
	safe := func(variant string) bool { return variant == "off" }
	f.Fuzz(func(t *testing.T, document []byte) {
		strict, mistakes := definition.Compile(document, false)
		require.Equal(t, strict == nil, len(mistakes) > 0)
		for _, m := range mistakes {
			require.NotEmpty(t, m.Problem)
			require.Less(t, len(m.String()), 20_000)
		}
		set, again := definition.Compile(document, true)
		require.Equal(t, mistakes, again)
		if set == nil {
			return
		}
		require.Empty(t, set.Changed(set))
		other, _ := definition.Compile(document, true)
		require.Empty(t, set.Changed(other))
		s := scope("k", "x", "9")
		for key, flag := range set.Flags {
			out := flag.Evaluate(s)
			require.Less(t, out.Variant, max(1, len(flag.Variants)))
			require.Equal(t, out, other.Flags[key].Evaluate(s))
			definition.Narrower(flag, other.Flags[key], safe)
		}
	})
}
