package flags_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

func TestAReportKnowsBothSides(t *testing.T) {
	flag := flags.Bool("switch", false, flags.About{Owner: "payments", Expires: "2027-03-01"})
	c := started(t, flags.Static(set(`
		"switch": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"},
		"nobody": {"state": "DISABLED", "variants": {"a": "A"}, "defaultVariant": "a"},
		"number": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a"}`)), flags.Config{},
		flag, flags.String("missing", ""), flags.JSON("number", map[string]int{}))
	flag.On(c.Pin(t.Context(), flags.Subject{}))
	flag.On(t.Context())
	require.Equal(t, []flags.FlagReport{
		{Key: "missing", Type: "string", Declared: true, Problem: flags.CodeFlagNotFound},
		{Key: "nobody", Type: "string", Defined: true, Disabled: true},
		{Key: "number", Type: "number", Declared: true, Defined: true, Problem: flags.CodeTypeMismatch},
		{
			Key: "switch", Type: "boolean", Declared: true, Defined: true, About: flags.About{Owner: "payments", Expires: "2027-03-01"},
			Answers: []flags.Answers{{Variant: "on", Reason: flags.ReasonStatic, Count: 1}}, Unpinned: 1,
		},
	}, c.Report().Flags)
}

// What is counted stays counted, through more sets of variants than are kept open.
func TestNothingThatWasCountedIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flag := flags.String("f", "")
		source := watched{serves(variant("v0"))}
		c := started(t, source, flags.Config{}, flag)
		stop := runs(t, c)
		for i := range 20 {
			source.puts(variant(fmt.Sprintf("v%d", i)))
			synctest.Wait()
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() { flag.Value(c.Pin(t.Context(), flags.Subject{})) })
			}
			all.Wait()
		}
		var want []flags.Answers
		for i := range 20 {
			want = append(want, flags.Answers{Variant: fmt.Sprintf("v%d", i), Reason: flags.ReasonStatic, Count: 50})
		}
		require.ElementsMatch(t, want, c.Report().Flags[0].Answers)
		stop()
	})
}

func variant(name string) string {
	return set(fmt.Sprintf(`"f": {"state": "ENABLED", "variants": {%q: "x"}, "defaultVariant": %q}`, name, name))
}
