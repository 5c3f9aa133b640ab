package backfill

import "time"

// size is how many rows a batch has: a little more after one that was quick, half after
// one that was not. It is the way in which TCP finds a rate that nobody has told it, and
// the batch's duration is what others wait for.
type size struct {
	rows, step, most int
	target           time.Duration
}

func newSize(c Config) *size {
	return &size{rows: c.Start, step: max(1, c.Start/2), most: c.Most, target: c.Target}
}

// took tells the duration of a batch. One that is just below the target is left alone.
func (s *size) took(d time.Duration) {
	switch {
	case d > s.target:
		s.halve()
	case d < s.target*4/5:
		s.rows = min(s.rows+s.step, s.most)
	}
}

func (s *size) halve() { s.rows = max(1, s.rows/2) }

// pause is what is left out between two batches for the rate and the duty.
func (c Config) pause(rows int64, took time.Duration) time.Duration {
	wait := time.Duration(float64(took) * (1/c.Duty - 1))
	if c.Rate > 0 {
		wait = max(wait, time.Duration(float64(rows)/float64(c.Rate)*float64(time.Second))-took)
	}
	return wait
}
