package probes

import "time"

// Durations is a histogram of what the runs of a check took. It is a value: what
// has been read does not change.
type Durations struct {
	Count uint64          // of runs
	Sum   time.Duration   // of what they took
	least [buckets]uint64 // runs that took at most as long as the bound
}

const buckets = 8

// bounds are the upper ends of the buckets: a ping in the same rack takes less than
// 1 ms, the default time-out is 1 s.
func bounds() [buckets]time.Duration {
	return [...]time.Duration{
		time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond,
		250 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second,
	}
}

// with is the histogram with one run more.
func (d Durations) with(took time.Duration) Durations {
	d.Count++
	d.Sum += took
	for i, bound := range bounds() {
		if took <= bound {
			d.least[i]++
		}
	}
	return d
}

// Buckets says how many runs took at most so long; they count upwards, as those of
// Prometheus do.
func (d Durations) Buckets() map[time.Duration]uint64 {
	counts := make(map[time.Duration]uint64, buckets)
	for i, bound := range bounds() {
		counts[bound] = d.least[i]
	}
	return counts
}
