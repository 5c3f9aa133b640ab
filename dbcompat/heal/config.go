package heal

import (
	"cmp"
	"time"
)

// Config says how patient Install and Remove are. The zero value is valid.
type Config struct {
	// LockTimeout is how long one attempt may wait for the table's lock. CREATE TRIGGER
	// lets reads through but no writes, and those who come later wait behind it; 500 ms
	// by default. Negative: the role's own lock_timeout, which may be none.
	LockTimeout time.Duration

	// Attempts is how often the lock is tried for, with LockTimeout between them and
	// some jitter; 10 by default.
	Attempts int

	// Quiet is how long no write must have been healed for the trigger to be no longer
	// needed; 24 h by default, which has a night's jobs in it. Negative: not at all.
	Quiet time.Duration
}

func (c Config) withDefaults() Config {
	c.LockTimeout = cmp.Or(c.LockTimeout, 500*time.Millisecond)
	c.Attempts = max(1, cmp.Or(c.Attempts, 10))
	c.Quiet = max(0, cmp.Or(c.Quiet, 24*time.Hour))
	return c
}
