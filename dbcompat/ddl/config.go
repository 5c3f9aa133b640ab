package ddl

import (
	"cmp"
	"errors"
	"log/slog"
	"time"
)

// Config says how patient a Runner is. Its zero value is a good one.
type Config struct {
	// LockTimeout is how long one attempt waits for a lock, and so how long a query
	// waits at most that is queued behind it; 2 s by default. More than the server's
	// deadlock_timeout, which is 1 s, has an advantage: after that an autovacuum that is
	// in the way is cancelled. It cannot be without an end.
	LockTimeout time.Duration

	// ConcurrentTimeout is the same for CONCURRENTLY, where nobody who reads or writes
	// waits behind: it is also how long older transactions may take to end; 1 min by
	// default. It cannot be without an end.
	ConcurrentTimeout time.Duration

	// Attempts is how often a step is tried before Run gives up; 10 by default. They
	// end with ctx in any case.
	Attempts int

	// Pause is how long Run waits after the first attempt, give or take a half; 1 s by
	// default, negative: not at all. It doubles with each attempt, up to 30 times.
	Pause time.Duration

	// Logger gets a record for each step that is done, and each attempt that was
	// blocked; nil means slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.LockTimeout = cmp.Or(c.LockTimeout, 2*time.Second)
	c.ConcurrentTimeout = cmp.Or(c.ConcurrentTimeout, time.Minute)
	c.Attempts = cmp.Or(c.Attempts, 10)
	c.Pause = max(0, cmp.Or(c.Pause, time.Second))
	return c
}

// wrong is what would make a wait endless: lock_timeout = 0 has no end.
func (c Config) wrong() error {
	var all []error
	if c.LockTimeout < time.Millisecond {
		all = append(all, errors.New("Config.LockTimeout is less than a millisecond: a wait for a lock has to have an end, 2 s are good"))
	}
	if c.ConcurrentTimeout < time.Millisecond {
		all = append(all, errors.New("Config.ConcurrentTimeout is less than a millisecond: a wait has to have an end, 1 min is good"))
	}
	if c.Attempts < 0 {
		all = append(all, errors.New("Config.Attempts is negative: give how often a step is tried"))
	}
	return errors.Join(all...)
}

func (c Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.Default()
	}
	return c.Logger
}
