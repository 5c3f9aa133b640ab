package manifest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/probes/podspec/internal/manifest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func read(t *testing.T, text string) manifest.Object {
	t.Helper()
	objects, err := manifest.Read([]byte(text))
	require.NoError(t, err)
	require.Len(t, objects, 1)
	return objects[0]
}

func TestAFieldKnowsItsPlace(t *testing.T) {
	object := read(t, `kind: Service
base: &base
  own: of the base
  merged: of the base
spec:
  a: {b: [x, {c: 1}]}
  own:
    <<: *base
    own: its own
  alias: *base
  nothing: null
  text: "null"
`)
	spec := object.Get("spec")
	describe := func(f manifest.Field) string { return fmt.Sprintf("%d %s %q %v", f.Line, f.Path, f.Text(), f.Absent()) }
	tests := map[string]struct {
		field manifest.Field
		want  string
	}{
		"the whole":              {object.Field, `1  "" false`},
		"a value":                {object.Get("kind"), `1 kind "Service" false`},
		"a key below another":    {spec.Get("a", "b").Items()[1].Get("c"), `6 spec.a.b[1].c "1" false`},
		"an item":                {spec.Get("a", "b").Items()[0], `6 spec.a.b[0] "x" false`},
		"a key that is missing":  {spec.Get("a", "d"), `6 spec.a.d "" true`},
		"all below it":           {spec.Get("z", "y", "x"), `5 spec.z.y.x "" true`},
		"below a text":           {object.Get("kind", "x"), `1 kind.x "" true`},
		"below a list":           {spec.Get("a", "b", "c"), `6 spec.a.b.c "" true`},
		"null":                   {spec.Get("nothing"), `11 spec.nothing "" true`},
		"the word":               {spec.Get("text"), `12 spec.text "null" false`},
		"one's own":              {spec.Get("own", "own"), `9 spec.own.own "its own" false`},
		"what is merged":         {spec.Get("own", "merged"), `4 spec.own.merged "of the base" false`},
		"what an alias is for":   {spec.Get("alias", "merged"), `4 spec.alias.merged "of the base" false`},
		"merge is no key":        {spec.Get("own", "<<"), `7 spec.own.<< "" true`},
		"what no manifest gives": {manifest.Field{}.Get("a"), `0 a "" true`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, describe(tt.field)) })
	}
	require.Empty(t, spec.Items())
	require.Empty(t, object.Get("nothing").Items())
}

func TestNumber(t *testing.T) {
	const least, otherwise = 1, 10
	tests := map[string]struct {
		written string
		want    string
	}{
		"one":                  {"3", "3"},
		"none":                 {"null", "10"},
		"octal":                {"0o17", "15"},
		"octal, as it was":     {"017", "15"},
		"with digits":          {"1_000", "1000"},
		"zero":                 {"0", "10 is 0, which stands for its default: write 10, or what you mean"},
		"less":                 {"-3", "10 is -3: write at least 1"},
		"the most":             {"2147483647", "2147483647"},
		"more":                 {"2147483648", "10 is 2147483648: write at most 2147483647"},
		"more than 64 bit":     {"9223372036854775808", "10 is 9223372036854775808: write at most 2147483647"},
		"a fraction":           {"1.5", "10 is 1.5: write a whole number, without quotes"},
		"a power of ten":       {"1e1", "10 is 1e1: write a whole number, without quotes"},
		"in quotes":            {`"3"`, `3 is "3": write a whole number, without quotes`},
		"the least, in quotes": {`"1"`, `1 is "1": write a whole number, without quotes`},
		"too small a text":     {`"0"`, `10 is "0": write a whole number, without quotes`},
		"a duration":           {"10s", `10 is "10s": write a whole number, without quotes`},
		"nothing":              {`""`, `10 is "": write a whole number, without quotes`},
		"true":                 {"true", "10 is true: write a whole number, without quotes"},
		"a date":               {"2024-01-01", "10 is 2024-01-01: write a whole number, without quotes"},
		"a list":               {"[3]", "10 is no number: write one"},
		"a mapping":            {"{a: 3}", "10 is no number: write one"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n, complaint := read(t, "kind: Service\nn: "+tt.written).Get("n").Number(least, otherwise)
			if complaint != "" {
				complaint = " " + complaint
			}
			require.Equal(t, tt.want, fmt.Sprint(n, complaint))
		})
	}
	n, complaint := read(t, "kind: Service\nn: 0").Get("n").Number(0, 10)
	require.Zero(t, n)
	require.Empty(t, complaint)
}
