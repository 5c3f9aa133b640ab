package lease

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// ErrGone is what a renewal returns if the answer was that there is no such lease: it
// has been counted out. Any other error leaves it as it was, as nobody has answered.
var ErrGone = errors.New("the lease is gone")

// Config says how long a lease is. The zero value is valid.
type Config struct {
	// TTL is the time from a renewal to the end; 15 s by default.
	TTL time.Duration

	// Margin is how long before it the lease is no longer held here; a third of TTL by
	// default. It is for what has begun while it was, and for clocks that are not equally
	// fast.
	Margin time.Duration
}

// WithDefaults has no field that is zero.
func (c Config) WithDefaults() Config {
	c.TTL = cmp.Or(c.TTL, 15*time.Second)
	c.Margin = cmp.Or(c.Margin, c.TTL/3)
	return c
}

// Check tells what contradicts itself, of a Config with its defaults.
func (c Config) Check() error {
	if c.TTL < 100*time.Millisecond || c.Margin <= 0 || c.Margin > c.TTL/2 {
		return errors.New("the lease's TTL is 100 ms at least, and its Margin more than none and half of that at the most")
	}
	return nil
}

// Every is the time between two renewals: a third of the TTL, as one may get lost.
func (c Config) Every() time.Duration { return c.TTL / 3 }

// Keeper knows whether one lease is held. Its methods may be called from any goroutine.
type Keeper struct {
	config Config
	base   time.Time    // with the monotonic clock, which a number alone has not
	until  atomic.Int64 // after base; 0 is not held
}

// New holds nothing yet. The config has its defaults filled in.
func New(config Config) *Keeper {
	return &Keeper{config: config.WithDefaults(), base: time.Now().Add(-time.Second)}
}

// Held reports whether the lease may be relied on. It costs a look at the clock.
func (k *Keeper) Held() bool { return int64(time.Since(k.base)) < k.until.Load() }

// Left is for how long it is held if nothing comes; 0 if it is not.
func (k *Keeper) Left() time.Duration {
	return max(0, time.Duration(k.until.Load())-time.Since(k.base))
}

// Drop has it not held from now on, whatever the row says.
func (k *Keeper) Drop() { k.until.Store(0) }

// Renew calls renew, which writes the row, and holds the lease for the time that its
// success is good for. After [ErrGone] it is not held. The call's context ends with what
// is left of the lease, as an answer that comes later is of no use: then the row may be
// there for longer than we rely on it, which is the safe way round.
//
// It must not be called twice at a time.
func (k *Keeper) Renew(ctx context.Context, renew func(context.Context) error) error {
	sent := time.Since(k.base)
	ctx, cancel := context.WithTimeout(ctx, k.config.TTL-k.config.Margin)
	defer cancel()
	err := renew(ctx)
	switch {
	case err == nil:
		k.until.Store(int64(sent + k.config.TTL - k.config.Margin))
	case errors.Is(err, ErrGone):
		k.Drop()
	}
	return err
}

// Pause is how long to wait until the next renewal: Every after one that went well, less
// after one that did not, and never exactly, so that a fleet that was started at once
// does not renew at once.
func (k *Keeper) Pause(err error) time.Duration {
	d := k.config.Every()
	if err != nil {
		d /= 5
	}
	return d - d/10 + rand.N(d/5+1)
}
