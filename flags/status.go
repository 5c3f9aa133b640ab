package flags

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/handover-go/handover/flags/internal/definition"
)

// Status is how far the flags can be relied on.
type Status uint8

// The statuses.
const (
	NotReady Status = iota // there is no set: each flag has its default
	Ready                  // the source stands by what is in force
	Stale                  // the source does not stand by what is in force, or has not for StaleAfter
)

// String is OpenFeature's word for it.
func (s Status) String() string { return [...]string{"NOT_READY", "READY", "STALE", "?"}[s&3] }

// Change is what Follow tells.
type Change struct {
	Status Status   // what it is now
	Keys   []string // of flags whose definitions are others than were told of last, sorted
	Err    error    // of the last questions to the sources; nil if all is well
}

// Follow calls f with what holds, and again with each change of it, until ctx ends; then
// it returns nil. f is called by the goroutine that called Follow, in order, and under no
// lock. While it is at work, what happens in between comes together in one change.
func (c *Client) Follow(ctx context.Context, f func(Change)) error {
	told, first := Change{}, true
	var sets [2]*definition.Set
	for ctx.Err() == nil {
		c.mu.Lock()
		changed, expires := c.changed, c.expires()
		now := Change{Status: c.status(), Err: c.problems()}
		now.Keys = keysOf(sets, c.store.set, c.override.set)
		sets = [2]*definition.Set{c.store.set, c.override.set}
		c.mu.Unlock()
		if first || now.Status != told.Status || len(now.Keys) > 0 || said(now.Err) != said(told.Err) {
			f(now)
		}
		told, first = now, false
		wait(ctx, changed, expires)
	}
	return nil
}

func wait(ctx context.Context, changed <-chan struct{}, expires time.Duration) {
	timer := time.NewTimer(expires)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// keysOf are those whose definitions differ.
func keysOf(before [2]*definition.Set, now ...*definition.Set) []string {
	keys := map[string]bool{}
	for i, set := range now {
		if set == nil || set == before[i] {
			continue
		}
		for _, key := range set.Changed(before[i]) {
			keys[key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// status is how far the flags can be relied on. c.mu is held.
func (c *Client) status() Status {
	switch {
	case c.store.set == nil && c.override.set == nil:
		return NotReady
	case c.store.origin != OriginSource || time.Since(c.store.confirmed.at()) >= c.staleAfter():
		return Stale
	default:
		return Ready
	}
}

// expires is the time until what is in force becomes stale, if nobody stands by it.
// c.mu is held.
func (c *Client) expires() time.Duration {
	left := time.Until(c.store.confirmed.at().Add(c.staleAfter()))
	if left <= 0 {
		return c.staleAfter()
	}
	return left
}

// problems are the last errors. c.mu is held.
func (c *Client) problems() error {
	return errors.Join(c.store.err, c.override.err, c.lastGood.err)
}
