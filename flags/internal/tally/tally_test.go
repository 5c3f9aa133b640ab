package tally_test

import (
	"sync"
	"testing"

	"github.com/handover-go/handover/flags/internal/tally"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestManyCountWithoutLoss(t *testing.T) {
	counts := tally.New(3)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for variant := -1; variant < 3; variant++ {
				for reason := range tally.Reasons {
					for range variant + reason + 2 {
						counts.Add(variant, reason)
					}
				}
			}
		})
	}
	all.Wait()
	for variant := -1; variant < 3; variant++ {
		for reason := range tally.Reasons {
			require.EqualValues(t, 20*(variant+reason+2), counts.Count(variant, reason), "%d, %d", variant, reason)
		}
	}
}

// Those who count at the same time should seldom meet. The peer is a single counter.
func BenchmarkAdd(b *testing.B) {
	counts := tally.New(1)
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			counts.Add(0, 1)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				counts.Add(0, 1)
			}
		})
	})
}
