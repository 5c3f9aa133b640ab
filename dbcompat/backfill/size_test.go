package backfill_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat/backfill"
)

func TestTheSizeFollowsTheTime(t *testing.T) {
	const quick, near, slow = 5 * time.Millisecond, 45 * time.Millisecond, 51 * time.Millisecond
	tests := map[string]struct {
		config backfill.Config
		took   []time.Duration
		want   []int
	}{
		"grows by half of the first, to the most": {
			backfill.Config{}, []time.Duration{quick, quick, near, quick}, []int{1500, 2000, 2000, 2500},
		},
		"is halved when it is too slow": {
			backfill.Config{}, []time.Duration{slow, slow, quick, slow}, []int{500, 250, 750, 375},
		},
		"stays within its bounds": {
			backfill.Config{Start: 2, Most: 4}, []time.Duration{quick, quick, quick, slow, slow, slow, slow}, []int{3, 4, 4, 2, 1, 1, 1},
		},
		"begins with the most, if that is less than the default": {backfill.Config{Most: 100}, []time.Duration{quick, slow}, []int{100, 50}},
		"has a most that is not less than the first":             {backfill.Config{Start: 20_000}, []time.Duration{quick}, []int{20_000}},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			require.Equal(t, tt.want, backfill.Sizes(tt.config, tt.took...))
		})
	}
}

func TestTheTimeIsEstimated(t *testing.T) {
	tests := map[string]struct {
		config            backfill.Config
		rate              float64
		shortest, longest time.Duration
	}{
		"by what others have measured":           {backfill.Config{}, 0, 5 * time.Second, 20 * time.Second},
		"by the last run":                        {backfill.Config{}, 10_000, 100 * time.Second, 100 * time.Second},
		"by the last run, a quick one":           {backfill.Config{}, 1_000_000, time.Second, time.Second},
		"not less than the rate allows":          {backfill.Config{Rate: 100_000}, 0, 10 * time.Second, 20 * time.Second},
		"all of it as the rate allows":           {backfill.Config{Rate: 1000}, 0, 1000 * time.Second, 1000 * time.Second},
		"by the last run, but for the rate":      {backfill.Config{Rate: 5000}, 10_000, 200 * time.Second, 200 * time.Second},
		"not less than the duty allows":          {backfill.Config{Duty: 0.1}, 0, 50 * time.Second, 200 * time.Second},
		"by the last run, whose pauses are in":   {backfill.Config{Duty: 0.1}, 10_000, 100 * time.Second, 100 * time.Second},
		"by the last run, but for the duty":      {backfill.Config{Duty: 0.1}, 100_000, 50 * time.Second, 50 * time.Second},
		"longer than a Duration, which is years": {backfill.Config{Duty: 1e-12}, 0, 1 << 62, 1 << 62},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			shortest, longest := backfill.Estimate(tt.config, 1_000_000, tt.rate)
			require.InDelta(t, tt.shortest, shortest, float64(time.Microsecond))
			require.InDelta(t, tt.longest, longest, float64(time.Microsecond))
		})
	}
	shortest, longest := backfill.Estimate(backfill.Config{}, 0, 0)
	require.Zero(t, shortest+longest, "of no rows")
}

func TestThePauseIsForRateAndDuty(t *testing.T) {
	tests := map[string]struct {
		config backfill.Config
		want   time.Duration
	}{
		"none by default":                    {backfill.Config{}, 0},
		"half of the time":                   {backfill.Config{Duty: 0.5}, 100 * time.Millisecond},
		"a tenth of it":                      {backfill.Config{Duty: 0.1}, 900 * time.Millisecond},
		"a rate that is lower than it is":    {backfill.Config{Rate: 5000}, 100 * time.Millisecond},
		"a rate that it does not reach":      {backfill.Config{Rate: 1_000_000}, 0},
		"the longer one, where both are set": {backfill.Config{Rate: 5000, Duty: 0.25}, 300 * time.Millisecond},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			require.InDelta(t, tt.want, backfill.Pause(tt.config, 1000, 100*time.Millisecond), float64(time.Microsecond))
		})
	}
}
