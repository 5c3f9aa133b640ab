package analysis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/examples/rollout/internal/analysis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhatACanaryIsLike(t *testing.T) {
	for name, tc := range map[string]struct {
		answers       int
		took          time.Duration
		failed        bool
		passes, trips bool
	}{
		"it answers like the stable one": {answers: 1000, took: time.Millisecond, passes: true},
		"it has not answered enough":     {answers: 10, took: time.Millisecond},
		"it fails":                       {answers: 50, took: time.Millisecond, failed: true, trips: true},
		"it is slow":                     {answers: 200, took: time.Second, trips: true},
	} {
		t.Run(name, func(t *testing.T) {
			var a analysis.Analysis
			for range 100 {
				a.Seen("v1", time.Millisecond, false)
			}
			require.NoError(t, a.Begin("v2"))
			a.Step()
			for range tc.answers {
				a.Seen("v2", tc.took, tc.failed)
				a.Seen("v1", time.Millisecond, false)
			}
			require.Equal(t, tc.passes, a.Passes())
			require.Equal(t, tc.trips, a.Trips())
			f := a.End(false)
			require.Equal(t, tc.answers, f.Requests)
			require.Equal(t, tc.failed, f.Failures > 0)
			require.Equal(t, tc.took, f.P99)
			require.Equal(t, time.Millisecond, f.StableP99)
			require.NotEmpty(t, f.Why)
		})
	}
}
