package promflags_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/promflags"
)

// counters are all series that count, by their labels.
func counters(t *testing.T, metrics prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	all := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if m.GetCounter() != nil {
				all[fmt.Sprint(family.GetName(), m.GetLabel())] = m.GetCounter().GetValue()
			}
		}
	}
	return all
}

// Variants come and go, in an order that suits no sorting, with "other" among them; more
// than have a place. Nothing ever goes back, and nothing is lost.
func TestCountersNeverGoBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flag := flags.String("f", "")
		source := &store{json: set("0", map[string][]string{"f": {"v9"}})}
		client := started(t, source, flags.Config{}, flag)
		metrics := registry(t, promflags.New(client, promflags.Config{MaxVariants: 3}))
		stop := running(t, client)
		synctest.Wait()
		last := map[string]float64{}
		names := []string{"v9", "v5", "other", "v7", "v1", "v9", "a", "v3", "v7", "b", "c", "d", "e", "v1", "x"}
		for i, name := range names {
			source.puts(set(fmt.Sprint(i), map[string][]string{"f": {name}}), nil)
			synctest.Wait()
			if i%5 == 4 { // gone for a while
				source.puts(set("none", map[string][]string{"another": {"on"}}), nil)
				synctest.Wait()
			}
			ctx := client.Pin(t.Context(), flags.Subject{})
			flag.Value(ctx)
			now := counters(t, metrics)
			for labels, n := range last {
				if strings.Contains(labels, "another") {
					continue
				}
				require.Contains(t, now, labels)
				require.GreaterOrEqual(t, now[labels], n, labels)
			}
			last = now
		}
		sees(t, metrics, `
# HELP handover_flags_evaluations_total Evaluations by variant, which is empty for the default, and by reason.
# TYPE handover_flags_evaluations_total counter
handover_flags_evaluations_total{client="client",flag="f",reason="ERROR",variant=""} 3
handover_flags_evaluations_total{client="client",flag="f",reason="STATIC",variant="other"} 7
handover_flags_evaluations_total{client="client",flag="f",reason="STATIC",variant="v5"} 1
handover_flags_evaluations_total{client="client",flag="f",reason="STATIC",variant="v7"} 2
handover_flags_evaluations_total{client="client",flag="f",reason="STATIC",variant="v9"} 2
`, "evaluations_total")
		stop()
	})
}

func TestOnlySoManyFlagsHaveSeries(t *testing.T) {
	undeclared := map[string][]string{}
	for i := range 1200 {
		undeclared[fmt.Sprintf("a%04d", i)] = []string{"on"}
	}
	declared := flags.Bool("zebra", false)
	tests := map[string]struct {
		cfg         promflags.Config
		listed, out int
	}{
		"a thousand, by default": {promflags.Config{}, 1000, 201},
		"as many as I say":       {promflags.Config{MaxFlags: 2}, 2, 1199},
		"all":                    {promflags.Config{MaxFlags: 5000}, 1201, 0},
		"none":                   {promflags.Config{MaxFlags: -1}, 0, 1201},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			metrics := registry(t, promflags.New(started(t, flags.Static(set("1", undeclared)), flags.Config{}, declared), test.cfg))
			n, err := testutil.GatherAndCount(metrics, "handover_flags_no_key_total")
			require.NoError(t, err)
			require.Equal(t, test.listed, n)
			declared, err := testutil.GatherAndCount(metrics, "handover_flags_unpinned_total")
			require.NoError(t, err)
			require.Equal(t, min(1, test.listed), declared, "who declares a flag sees it")
			sees(t, metrics, fmt.Sprintf(`
# HELP handover_flags_omitted Flags that have no series, as there are too many.
# TYPE handover_flags_omitted gauge
handover_flags_omitted{client="client"} %d
`, test.out), "omitted")
		})
	}
}

// A flag that has series keeps them when others come that are before it by name.
func TestAFlagKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &store{json: set("1", map[string][]string{"m": {"on"}, "n": {"on"}})}
		client := started(t, source, flags.Config{})
		metrics := registry(t, promflags.New(client, promflags.Config{MaxFlags: 2}))
		stop := running(t, client)
		synctest.Wait()
		listed := func() string {
			all := ""
			for labels := range counters(t, metrics) {
				for _, key := range []string{"a", "m", "n"} {
					if strings.Contains(labels, "no_key_total") && strings.Contains(labels, `value:"`+key+`"`) {
						all += key
					}
				}
			}
			return all
		}
		require.ElementsMatch(t, []byte("mn"), []byte(listed()))
		source.puts(set("2", map[string][]string{"a": {"on"}, "m": {"on"}, "n": {"on"}}), nil)
		synctest.Wait()
		require.ElementsMatch(t, []byte("mn"), []byte(listed()))
		source.puts(set("3", map[string][]string{"a": {"on"}, "n": {"on"}}), nil)
		synctest.Wait()
		require.ElementsMatch(t, []byte("an"), []byte(listed()))
		source.puts(set("4", map[string][]string{"a": {"on"}, "m": {"on"}, "n": {"on"}}), nil)
		synctest.Wait()
		require.ElementsMatch(t, []byte("an"), []byte(listed()))
		stop()
	})
}

// Prometheus takes nothing but UTF-8, and no series twice; a key may be anything.
func TestAKeyThatIsNoText(t *testing.T) {
	one, two := flags.Bool("\xff", false), flags.Bool("\xfe", false)
	client := started(t, flags.Static(set("\u00e9\n\"", map[string][]string{"a\n\"b\\": {`"x"`}})), flags.Config{}, one, two)
	client.Lookup(t.Context(), "a\n\"b\\", flags.Subject{})
	metrics := registry(t, promflags.New(client, promflags.Config{Name: "\xff"}))
	n, err := testutil.GatherAndCount(metrics, "handover_flags_unpinned_total")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	sees(t, metrics, `
# HELP handover_flags_omitted Flags that have no series, as there are too many.
# TYPE handover_flags_omitted gauge
handover_flags_omitted{client="�"} 1
`, "omitted")
}
