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

// Pause is that between two batches.
func Pause(c Config, rows int64, took time.Duration) time.Duration {
	return c.withDefaults().pause(rows, took)
}
