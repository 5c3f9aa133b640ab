package pgprobes

import (
	"cmp"
	"time"
)

// Config says what the application needs. Its zero value is for one that writes.
type Config struct {
	// ReadOnly says that the application only reads, so that a standby will do.
	// Without it a server fails that takes no writes: a standby, or a primary with
	// default_transaction_read_only, as managed ones have when the disk is full.
	ReadOnly bool
	// MaxLag is how far a standby may be behind; by default, and if negative, it is
	// not asked. See [Pool] for what is measured.
	MaxLag time.Duration
	// SaturatedFor is how long a pool has to be full until it is called saturated;
	// 10 s by default, negative: at the first look. Full for a moment is what a pool
	// of the right size is.
	SaturatedFor time.Duration
	// Lifetime is how long the check's own connection is kept; 1 min by default,
	// negative: for one run. A longer one finds out later that new connections are
	// refused, and that a name has come to mean another server.
	Lifetime time.Duration
}

func (c Config) withDefaults() Config {
	c.MaxLag = max(0, c.MaxLag)
	c.SaturatedFor = max(0, cmp.Or(c.SaturatedFor, 10*time.Second))
	c.Lifetime = max(0, cmp.Or(c.Lifetime, time.Minute))
	return c
}
