package backfill

import "time"

// Sizes are those of the batches after ones that took so long.
func Sizes(c Config, took ...time.Duration) []int {
	s := newSize(c.withDefaults())
	var all []int
	for _, d := range took {
		s.took(d)
		all = append(all, s.rows)
	}
	return all
}

// Estimate is how long a run takes.
func Estimate(c Config, rows int64, rate float64) (shortest, longest time.Duration) {
	p := Plan{Remaining: rows, Rate: rate}
	p.estimate(c.withDefaults())
	return p.Shortest, p.Longest
}

// Pause is that between two batches.
func Pause(c Config, rows int64, took time.Duration) time.Duration {
	return c.withDefaults().pause(rows, took)
}
