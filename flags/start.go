package flags

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// Start kills what the environment says and asks the sources, for StartTimeout at most.
// If the source does not answer, or not with a set that can be taken, the last good set is
// put into force, or Bootstrap; that is logged, seen by Check, and no error.
//
// The error is of the program itself: flags that are declared twice or wrongly, no
// source, a Bootstrap that is wrong, a second Start. It joins all there is.
func (c *Client) Start(ctx context.Context) error {
	if !c.asking.TryLock() {
		return errors.New("flags: start: already started")
	}
	defer c.asking.Unlock()
	return c.start(ctx)
}

// start is Start. c.asking is held.
func (c *Client) start(ctx context.Context) error {
	if c.started {
		return errors.New("flags: start: already started")
	}
	c.started = true
	if len(c.cfg.Bootstrap) > 0 { // also if it is not needed today
		if _, err := c.compile(OriginBootstrap.String(), Document{JSON: c.cfg.Bootstrap}); err != nil {
			c.mistakes = append(c.mistakes, fmt.Errorf("flags: start: bootstrap: %w", err))
		}
	}
	if err := errors.Join(c.mistakes...); err != nil {
		return err
	}
	c.killFromEnvironment()
	c.begin(ctx)
	var all sync.WaitGroup
	all.Go(func() { c.note(&c.store, "load", c.ask(ctx, &c.store)) })
	if c.override.source != nil {
		all.Go(func() { c.note(&c.override, "load", c.ask(ctx, &c.override)) })
	}
	all.Wait()
	return c.fallBack()
}

// fallBack puts something into force if the source has not.
func (c *Client) fallBack() error {
	if len(c.cfg.Bootstrap) == 0 {
		return nil
	}
	if !c.has() {
		if err := c.adopt(&c.store, Document{JSON: c.cfg.Bootstrap}, OriginBootstrap, time.Time{}); err != nil {
			return fmt.Errorf("flags: start: bootstrap: %w", err)
		}
	}
	return nil
}

// has reports whether the source, or what stands for it, has given a set.
func (c *Client) has() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.store.set != nil
}

// declare takes the flags, and notes what is wrong with them.
func (c *Client) declare(source Source, handles []Handle) {
	if source == nil {
		c.mistake("no source: give one, flags.Static for definitions that do not change")
	}
	keys := map[string]*declaration{}
	for i, h := range handles {
		var d *declaration
		if v := reflect.ValueOf(h); h != nil && (v.Kind() != reflect.Pointer || !v.IsNil()) {
			d = h.declared()
		}
		if d == nil {
			c.mistake(fmt.Sprintf("flag %d of New is nil or zero: declare it with Bool, String, Int, Float, JSON or Enum", i+1))
			continue
		}
		if keys[d.key] == d {
			continue
		}
		if keys[d.key] != nil {
			c.mistake(fmt.Sprintf("flag %q is declared twice: declare it once, and share the variable", d.key))
			continue
		}
		for _, m := range d.mistakes {
			c.mistake(fmt.Sprintf("flag %q: %s", d.key, m))
		}
		keys[d.key] = d
		c.places[d] = len(c.handles)
		d.place.Store(int64(len(c.handles)))
		c.handles = append(c.handles, d)
	}
}

func (c *Client) mistake(what string) {
	c.mistakes = append(c.mistakes, errors.New("flags: start: "+what))
}
