package flags

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Check tells whether what is in force can be relied on: nil, or what is wrong. There is no
// set; the source has not stood by it for StaleAfter; what the source offers is refused.
// It answers from memory.
//
// Make it a degrading check and never one that takes the instance out: old flags serve
// requests, and with the store down, every instance has old flags.
func (c *Client) Check(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.ill(&c.store, time.Now()), c.ill(&c.override, time.Now()))
}

// ill is what is wrong with a feed. c.mu is held.
func (c *Client) ill(f *feed, now time.Time) error {
	if f.source == nil {
		return nil
	}
	refused := errors.Is(f.err, ErrOlder) || errors.Is(f.err, ErrShrunk) || errors.As(f.err, new(*DocumentError))
	switch at := f.confirmed.at(); {
	case f.set == nil && f.err != nil:
		return fmt.Errorf("no set, flags are at their defaults: %w", f.err)
	case f.set == nil:
		return errors.New("flags: no set, flags are at their defaults: not started")
	case refused:
		return f.err
	case at.IsZero():
		return errors.Join(fmt.Errorf("flags: %s: the set in force is from %s", f.name, f.origin), f.err)
	case now.Sub(at) >= c.staleAfter():
		return errors.Join(fmt.Errorf("flags: %s: the set in force is stale, %v old", f.name, now.Sub(at).Round(time.Second)), f.err)
	}
	return nil
}
