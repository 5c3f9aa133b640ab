package flags_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

func TestAnExplanationIsWhatTheProgramGets(t *testing.T) {
	whole := flags.Int("whole", 3)
	tests := map[string]struct{ key, want string }{
		"a flag that is on":                       {"on", "true on STATIC"},
		"a flag of another type than declared":    {"text", "<nil>  ERROR TYPE_MISMATCH"},
		"a variant that is none of the declared":  {"whole", "<nil>  ERROR TYPE_MISMATCH"},
		"a flag that nobody has declared":         {"undeclared", "1.5 a STATIC"},
		"a flag that is declared and not defined": {"undefined", "<nil>  ERROR FLAG_NOT_FOUND"},
		"a flag that does not exist":              {"nobody", "<nil>  ERROR FLAG_NOT_FOUND"},
		"a flag that is killed":                   {"killed", "<nil>  DISABLED killed"},
	}
	c := started(t, flags.Static(set(`
		"on": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"},
		"killed": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"},
		"text": {"state": "ENABLED", "variants": {"a": "A"}, "defaultVariant": "a"},
		"whole": {"state": "ENABLED", "variants": {"a": 1.5}, "defaultVariant": "a"},
		"undeclared": {"state": "ENABLED", "variants": {"a": 1.5}, "defaultVariant": "a"}`)), flags.Config{},
		flags.Bool("on", false), flags.Bool("text", false), whole, flags.Bool("undefined", false), flags.Bool("killed", false))
	require.NoError(t, c.Kill("killed", "errors"))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := c.Explain(test.key, flags.Subject{})
			got := fmt.Sprintf("%v %s %s", d.Value, d.Variant, d.Reason)
			if d.Code != 0 {
				got += " " + d.Code.String()
			}
			if d.Rule != "" {
				got += " " + d.Rule
			}
			require.Equal(t, test.want, got)
		})
	}
	require.EqualValues(t, 3, whole.Value(c.Pin(t.Context(), flags.Subject{})), "the program does not get 1.5 either")
}

func TestAnExplanationWithoutASet(t *testing.T) {
	c := flags.New(flags.Static(on("f")), flags.Config{}, flags.Bool("declared", false))
	require.Equal(t, flags.CodeNotReady, c.Explain("f", flags.Subject{}).Code)
	require.Equal(t, flags.CodeNotReady, c.Explain("declared", flags.Subject{}).Code)
}

// Who asks why is no user: Lookup counts, Explain does not.
func TestAnExplanationCountsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []flags.Exposure
		source := flags.Static(on("f", `"targeting": {"fractional": [["on", 1]]}`))
		c := started(t, source, flags.Config{Exposed: func(e flags.Exposure) { told = append(told, e) }}, flags.Bool("f", false))
		require.Equal(t, flags.ReasonSplit, c.Explain("f", flags.Subject{Key: "u"}).Reason)
		require.True(t, c.Explain("f", flags.Subject{}).NoKey)
		require.Empty(t, c.Report().Flags[0].Answers)
		require.Zero(t, c.Report().Flags[0].NoKey)
		c.Lookup(t.Context(), "f", flags.Subject{})
		require.NotEmpty(t, c.Report().Flags[0].Answers)
		require.NotZero(t, c.Report().Flags[0].NoKey)
		stop := runs(t, c)
		stop()
		require.Empty(t, told)
	})
}

func TestAnExtensionIsThatOfTheDefinitionInForce(t *testing.T) {
	c := started(t, serves(on("new", `"x-guard": {"slow" : "1s", "maxErrors": 1e-2}, "x-none": null`)), flags.Config{})
	for name, want := range map[string]string{
		"x-guard": `{"slow":"1s","maxErrors":1e-2}`, "x-none": "null", "x-other": "", "variants": "", "": "",
	} {
		require.Equal(t, want, string(c.Extension("new", name)), name)
	}
	require.Nil(t, c.Extension("other", "x-guard"))
	require.Nil(t, flags.New(serves(""), flags.Config{}).Extension("new", "x-guard"))
}
