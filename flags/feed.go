package flags

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/handover-go/handover/flags/internal/definition"
)

// Origin is where a set came from.
type Origin uint8

// The origins, the best first.
const (
	OriginNone Origin = iota // no set: all flags are at their defaults
	OriginSource
	OriginLastGood
	OriginBootstrap
)

// String is what is said in logs and reports.
func (o Origin) String() string {
	return [...]string{"none", "source", "last good", "bootstrap"}[o&3]
}

// feed is what has come from one source.
type feed struct {
	name   string
	source Source
	busy   chan struct{} // closed when a call that was given up has returned; nil if there is none
	held   held          // the document that was held last

	// The client's mu guards what follows.
	doc       Document
	set       *definition.Set
	origin    Origin
	confirmed *stamp // when the source last stood by the set
	err       error  // of the last question; nil if it was answered well
}

// ask asks the source, and adopts what it says. It is called by one goroutine at a time.
func (c *Client) ask(ctx context.Context, f *feed) error {
	doc, err := f.load(ctx, c.timeout())
	switch {
	case err == nil:
		return c.adopt(f, doc, OriginSource, time.Now())
	case f == &c.override && errors.Is(err, fs.ErrNotExist):
		c.lift(f) // there is none, as there mostly is none
		return nil
	}
	return err
}

// load calls the source, but waits no longer than it should: a file on a disk that is
// away does not care for a context.
func (f *feed) load(ctx context.Context, timeout time.Duration) (Document, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if f.busy != nil {
		select {
		case <-f.busy:
			f.busy = nil
		case <-ctx.Done():
			return Document{}, fmt.Errorf("an earlier call has not returned: %w", ctx.Err())
		}
	}
	answered, done := make(chan loaded, 1), make(chan struct{})
	go func() {
		defer close(done)
		answered <- f.call(ctx)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	select {
	case l := <-answered: // also if it gave up in time
		return l.doc, l.err
	default:
		f.busy = done
		return Document{}, ctx.Err()
	}
}

type loaded struct {
	doc Document
	err error
}

// call is a call of the source whose panic is an error.
func (f *feed) call(ctx context.Context) (l loaded) {
	defer func() {
		if r := recover(); r != nil {
			l.err = fmt.Errorf("panic: %v", r)
		}
	}()
	l.doc, l.err = f.source.Load(ctx)
	return l
}

// adopt takes a document into force, which the source stood by at this time, or says why
// not. What a document that is refused says of kills is heeded even then.
func (c *Client) adopt(f *feed, doc Document, origin Origin, at time.Time) error {
	c.mu.Lock()
	before, set, from := f.doc, f.set, f.origin
	c.mu.Unlock()
	if doc.Revision > 0 && doc.Revision < before.Revision {
		return fmt.Errorf("refused revision %d: %w (%d)", doc.Revision, ErrOlder, before.Revision)
	}
	if set != nil && doc.Revision == before.Revision && bytes.Equal(doc.JSON, before.JSON) {
		c.take(f, doc, set, origin, at)
		return nil
	}
	next, err := c.compile(f.name, doc)
	if err == nil && from != OriginBootstrap {
		err = c.shrunk(len(next.Flags), count(set))
	}
	if err != nil {
		c.heed(f, doc)
		return err
	}
	if err := c.hold(f, doc, next); err != nil {
		return err
	}
	c.take(f, doc, next, origin, at)
	return nil
}

// compile makes a set of a document, and says what Lenient lets pass in it.
func (c *Client) compile(from string, doc Document) (*definition.Set, error) {
	set, mistakes := definition.Compile(doc.JSON, c.cfg.Lenient)
	switch {
	case set == nil:
		return nil, fmt.Errorf("refused: %w", documentError(mistakes))
	case len(set.Flags) == 0: // which Lenient lets pass
		return nil, fmt.Errorf("refused: %w", &DocumentError{[]Mistake{{Path: "flags", Problem: "is an empty set, with which every caller falls to its default", Instead: "one flag at least"}}})
	}
	if len(mistakes) > 0 {
		c.logger().Warn("flags: let pass, though wrong", "from", from, "err", documentError(mistakes))
	}
	if set.Version == "" {
		set.Version = versionOf(doc)
	}
	return set, nil
}

func count(s *definition.Set) int {
	if s == nil {
		return 0
	}
	return len(s.Flags)
}

// shrunk says why so few flags, after so many, are a mistake rather than a wish. Of less
// than 20, somebody is tidying up.
func (c *Client) shrunk(n, was int) error {
	if was < 20 || 2*n >= was || c.cfg.AllowShrink {
		return nil
	}
	return fmt.Errorf("refused %d flags after %d: %w", n, was, ErrShrunk)
}

// take puts a set into force.
func (c *Client) take(f *feed, doc Document, set *definition.Set, origin Origin, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if set == f.set && origin == f.origin {
		was := c.status()
		f.confirmed.set(at)
		if c.status() != was {
			c.announce() // no longer stale
		}
		return
	}
	if set != f.set {
		c.arm(set) // and not only what is left of it after Freeze
		set = c.admitted(f, set)
	}
	doc.JSON = bytes.Clone(doc.JSON) // the source may use its buffer again
	f.doc, f.set, f.origin, f.confirmed = doc, set, origin, &stamp{}
	if !at.IsZero() {
		f.confirmed.set(at)
	}
	c.logger().Info("flags: set in force", "from", f.name, "origin", origin.String(), "version", set.Version, "flags", len(set.Flags))
	c.publish()
}

// admitted is what of a set may come into force. c.mu is held.
func (c *Client) admitted(f *feed, set *definition.Set) *definition.Set {
	if c.frozen {
		return c.narrowed(f.set, set)
	}
	if f.set != nil && set.Bucketing != f.set.Bucketing {
		c.logger().Warn("flags: the bucketing changes, and with it who is in each rollout", "from", f.name, "was", f.set.Bucketing.String(), "is", set.Bucketing.String())
	}
	return set
}
