package flags

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Check tells whether what is in force can be relied on: nil, or what is wrong. There is no
// set; the source has not stood by it for StaleAfter; what the source offers is refused.
// It answers from memory. Of what is refused, errors.Is tells [ErrOlder], [ErrShrunk] and
// [ErrMoves], and errors.As a *[DocumentError]; so it is in Report.Err and Change.Err.
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
	switch at := f.confirmed.at(); {
	case c.unused(f):
		return nil
	case f.set == nil && f.err != nil:
		return fmt.Errorf("no set, flags are at their defaults: %w", f.err)
	case f.set == nil:
		return errors.New("flags: no set, flags are at their defaults: not started")
	case refused(f.err):
		return f.err
	case f.origin != OriginSource:
		return errors.Join(fmt.Errorf("flags: %s: the set in force is from %s", f.name, f.origin), f.err)
	case now.Sub(at) >= c.staleAfter():
		return errors.Join(fmt.Errorf("flags: %s: the set in force is stale, %v old", f.name, now.Sub(at).Round(time.Second)), f.err)
	}
	return nil
}

// unused reports whether it is an override that there is not. c.mu is held.
func (c *Client) unused(f *feed) bool {
	return f == &c.override && (f.source == nil || f.set == nil && f.err == nil)
}

// refused reports whether it is the document that is wrong, and not the way to it.
func refused(err error) bool {
	return errors.Is(err, ErrOlder) || errors.Is(err, ErrShrunk) || errors.Is(err, ErrMoves) || errors.As(err, new(*DocumentError))
}
