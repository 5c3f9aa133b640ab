package flags_test

import (
	"fmt"
	"runtime"
	"strings"
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

// A set of variants that has come back is not the oldest one.
func TestTheSetBeforeTheLastIsStillCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flag := flags.String("f", "")
		source := watched{serves(variant("v0"))}
		c := started(t, source, flags.Config{}, flag)
		stop := runs(t, c)
		for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 0} {
			synctest.Wait()
			source.puts(variant(fmt.Sprint("v", n)))
		}
		synctest.Wait()
		ctx := c.Pin(t.Context(), flags.Subject{})
		source.puts(variant("new"))
		synctest.Wait()
		flag.Value(ctx)
		stop()
		require.Equal(t, []flags.Answers{{Variant: "v0", Reason: flags.ReasonStatic, Count: 1}}, c.Report().Flags[0].Answers)
	})
}

func TestKeysThatAreGoneLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := watched{serves(many(1))}
		c := started(t, source, flags.Config{})
		stop := runs(t, c)
		synctest.Wait()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range 20 {
			source.puts(strings.ReplaceAll(many(500), `": {"state"`, fmt.Sprintf(`-%d": {"state"`, i)))
			synctest.Wait()
		}
		source.put(flags.Document{JSON: []byte(many(300))}, nil)
		synctest.Wait()
		require.Len(t, c.Report().Flags, 300)
		runtime.GC()
		runtime.ReadMemStats(&after)
		require.Less(t, int(after.HeapAlloc-before.HeapAlloc), 8<<20)
		stop()
	})
}
