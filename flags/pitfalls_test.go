package flags_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
)

// What has gone wrong elsewhere: docs/design/014-what-went-wrong-with-flags.md.

// split is a set of one flag whose variants have these weights.
func split(bucketing string, a, b, c int) string {
	return fmt.Sprintf(`{"metadata": {"bucketing": %q}, "flags": {"f": {"state": "ENABLED",
		"variants": {"a": "a", "b": "b", "c": "c"}, "defaultVariant": "a",
		"targeting": {"fractional": [["a", %d], ["b", %d], ["c", %d]]}}}}`, bucketing, a, b, c)
}

// placed are the variants of so many subjects.
func placed(t *testing.T, n int, definitions string) []string {
	t.Helper()
	flag := flags.String("f", "")
	c := started(t, flags.Static(definitions), flags.Config{}, flag)
	require.NoError(t, c.Check(t.Context()))
	all := make([]string, n)
	for i := range all {
		all[i] = flag.Value(c.Pin(t.Context(), flags.Subject{Key: fmt.Sprintf("user-%d", i)}))
	}
	return all
}

var bucketings = []string{"flagd-v2", "v1", "md5-100"}

// A hash modulo 100 gives 1 % or nobody.
func TestATenthOfAPercentIsATenthOfAPercent(t *testing.T) {
	const n, want = 30_000, 30
	for _, bucketing := range bucketings {
		count := 0
		for _, variant := range placed(t, n, split(bucketing, 999, 0, 1)) {
			if variant == "c" {
				count++
			}
		}
		require.InDelta(t, want, count, 5*math.Sqrt(want), bucketing)
	}
}

// The arms lie side by side in the order of the document, as in flagd. So what two
// neighbours exchange moves nobody else; what passes over a third moves that as well.
func TestAChangeOfWeightsMovesWhomTheDocumentSays(t *testing.T) {
	tests := map[string]struct {
		before, after [3]int
		moved         float64
	}{
		"nothing":                       {[3]int{50, 30, 20}, [3]int{50, 30, 20}, 0},
		"the same in finer weights":     {[3]int{50, 30, 20}, [3]int{500, 300, 200}, 0},
		"from one neighbour to another": {[3]int{50, 30, 20}, [3]int{50, 20, 30}, 0.1},
		"over the one between":          {[3]int{50, 30, 20}, [3]int{40, 30, 30}, 0.2},
	}
	const n = 4_000
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, bucketing := range bucketings {
				before := placed(t, n, split(bucketing, test.before[0], test.before[1], test.before[2]))
				after := placed(t, n, split(bucketing, test.after[0], test.after[1], test.after[2]))
				moved := 0.0
				for i := range before {
					if before[i] != after[i] {
						moved++
					}
				}
				// 0 is nobody at all.
				require.InDelta(t, test.moved, moved/n, 5*math.Sqrt(test.moved*(1-test.moved)/n), bucketing)
			}
		})
	}
}

// For the race detector: an evaluation writes neither to a flag nor to what it is given.
func TestManyEvaluateWithTheSameAttributesWhileTheSetChanges(t *testing.T) {
	text := flags.String("text", "")
	attributes := map[string]any{"mood": "sad", "list": []any{"a"}}
	source := watched{serves(everyKind)}
	c := started(t, source, flags.Config{}, text)
	stop := runs(t, c)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 200 {
				ctx := c.Pin(t.Context(), flags.Subject{Key: fmt.Sprint(i), Attributes: attributes})
				text.Detail(ctx)
				c.Lookup(ctx, "rollout", flags.Subject{Key: fmt.Sprint(i), Attributes: attributes})
				if i == 0 {
					source.puts(everyKind + " ")
					source.puts(everyKind)
				}
			}
		})
	}
	all.Wait()
	stop()
	require.Equal(t, map[string]any{"mood": "sad", "list": []any{"a"}}, attributes)
}

// Of a fleet that was started at one time, no two ask at one time.
func TestAFleetDoesNotAskInStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const fleet = 20
		var mu sync.Mutex
		var asked []time.Duration // after the start
		began := time.Now()
		source := told{flags.Static(on("new")), func() {
			mu.Lock()
			defer mu.Unlock()
			if now := time.Since(began); now > 0 {
				asked = append(asked, now)
			}
		}}
		for range fleet {
			defer runs(t, started(t, source, flags.Config{Interval: 10 * time.Second}))()
		}
		passes(15 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(asked)
		require.Len(t, slices.Compact(asked), fleet)
		require.GreaterOrEqual(t, asked[0], 9*time.Second)
		require.LessOrEqual(t, asked[fleet-1], 11*time.Second)
		require.Greater(t, asked[fleet-1]-asked[0], time.Second/2)
	})
}

// told is a source that says that it is asked.
type told struct {
	flags.Source
	asked func()
}

func (t told) Load(ctx context.Context) (flags.Document, error) {
	t.asked()
	return t.Source.Load(ctx)
}
