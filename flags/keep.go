package flags

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/handover-go/handover/flags/internal/definition"
	"github.com/handover-go/handover/flags/internal/lastgood"
)

// saved is the last good set on disk, as a source.
type saved struct {
	path string
	at   time.Time // of what Load has returned
}

// Load reads the file. That there is none is no error: there has been no good set yet.
func (s *saved) Load(context.Context) (Document, error) {
	doc, err := lastgood.Load(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return Document{}, nil
	}
	s.at = doc.Saved
	return Document{JSON: doc.JSON, Revision: doc.Revision}, err
}

// begin puts the last good set into force, before the source is asked: what the source
// then gives is compared with it. A restart takes neither an older set nor one that has
// shrunk, as little as the process before would have.
func (c *Client) begin(ctx context.Context) {
	if c.cfg.LastGood == "" {
		return
	}
	file := &saved{path: c.cfg.LastGood}
	c.lastGood.source = file
	doc, err := c.lastGood.load(ctx, time.Second)
	if err == nil && doc.JSON != nil {
		err = c.adopt(&c.store, doc, OriginLastGood, file.at)
	}
	c.note(&c.lastGood, "read", err)
}

// keep writes each set that the source gives, and that is taken. It has a goroutine of
// its own: a disk that hangs must not hold up a kill.
func (c *Client) keep(ctx context.Context) {
	var kept, tried *definition.Set
	for ctx.Err() == nil {
		c.mu.Lock()
		set, doc, origin, changed := c.store.set, c.store.doc, c.store.origin, c.changed
		c.mu.Unlock()
		// After heed there is no document that says what is in force, and the last one stays.
		if origin == OriginSource && doc.JSON != nil && set != tried {
			tried = set
			if c.write(ctx, doc) {
				kept = set
			}
			continue // there may be another one by now
		}
		again := time.NewTimer(c.interval())
		select {
		case <-changed:
		case <-again.C:
			tried = kept // once more, if it has failed
		case <-ctx.Done():
		}
		again.Stop()
	}
}

// write reports whether the set is on disk.
func (c *Client) write(ctx context.Context, doc Document) bool {
	written := make(chan error, 1)
	go func() {
		written <- lastgood.Store(c.cfg.LastGood, lastgood.Doc{JSON: doc.JSON, Revision: doc.Revision, Saved: time.Now()})
	}()
	select {
	case err := <-written:
		c.note(&c.lastGood, "write", err)
		return err == nil
	case <-ctx.Done():
	}
	select { // it may be about to end, as it mostly is
	case err := <-written:
		c.note(&c.lastGood, "write", err)
	case <-time.After(time.Second):
		c.logger().Warn("flags: last good set not written: the disk does not answer", "path", c.cfg.LastGood)
	}
	return false
}
