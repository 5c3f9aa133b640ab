package flags

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Run keeps the set current until ctx ends, and then returns nil. Without Start it
// starts first. It is an error while it runs already, and after a Start that failed.
func (c *Client) Run(ctx context.Context) error {
	if !c.asking.TryLock() {
		return errors.New("flags: run: it is running already, or still starting")
	}
	defer c.asking.Unlock()
	if !c.started {
		if err := c.start(ctx); err != nil {
			return err
		}
	}
	if err := errors.Join(c.mistakes...); err != nil { // Start has said so
		return err
	}
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { c.follow(ctx, &c.store) })
	if c.override.source != nil {
		all.Go(func() { c.follow(ctx, &c.override) })
	}
	if c.cfg.LastGood != "" {
		all.Go(func() { c.keep(ctx) })
	}
	all.Go(func() { c.exposures.run(ctx, c.logger) })
	<-ctx.Done()
	return nil
}

// follow asks a source at each interval, and when it says that it has changed.
func (c *Client) follow(ctx context.Context, f *feed) {
	changed := make(chan struct{}, 1)
	var watch sync.WaitGroup
	defer watch.Wait()
	if w, ok := f.source.(Watcher); ok {
		watch.Go(func() { c.watch(ctx, f, w, changed) })
	}
	for {
		timer := time.NewTimer(jitter(c.interval()))
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
		if err := c.ask(ctx, f); err == nil || ctx.Err() == nil { // else it is the end, and no error of the source
			c.note(f, "load", err)
		}
		c.tellUnpinned()
		c.crowd.recent(time.Now()) // who has not come for long is forgotten
	}
}

// watch calls Watch for as long as ctx lives. The pause between two calls grows to the
// interval.
func (c *Client) watch(ctx context.Context, f *feed, w Watcher, changed chan<- struct{}) {
	pause := time.Second
	for {
		began := time.Now()
		err := watchOnce(ctx, w, changed)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("it has returned before its context ended")
		}
		if time.Since(began) > c.interval() {
			pause = time.Second
		}
		c.logger().Warn("flags: source is polled only, until Watch works again", "from", f.name, "err", err, "pause", pause.String())
		select {
		case <-time.After(jitter(pause)):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, c.interval())
	}
}

// watchOnce is a call of Watch whose panic is an error.
func watchOnce(ctx context.Context, w Watcher, changed chan<- struct{}) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return w.Watch(ctx, func() {
		select {
		case changed <- struct{}{}:
		default: // it is going to be asked anyway
		}
	})
}

// tellUnpinned logs once for each flag that was asked for outside of any pin.
func (c *Client) tellUnpinned() {
	for _, d := range c.handles {
		if d.unpinned.Load() > 0 && d.told.CompareAndSwap(false, true) {
			c.logger().Warn("flags: evaluated where nothing is pinned, which gives the default: use Middleware or Pin", "flag", d.key)
		}
	}
}

// jitter is a tenth more or less, so that a fleet does not ask in step.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}
