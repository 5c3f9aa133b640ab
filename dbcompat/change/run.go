package change

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/handover-go/handover/internal/lease"
)

// Run looks at the stage, renews the lease, acknowledges, and joins again when it is
// gone; it is a component's Run, and returns nil when ctx ends, after Leave too. What is
// an error is a call without Join, and a second one at a time.
func (c *Change) Run(ctx context.Context) error {
	if err := c.claim(); err != nil {
		return c.failed("run", err)
	}
	defer c.disclaim()
	timer := time.NewTimer(c.pause())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-c.wake:
			if !c.ripe() {
				continue
			}
		}
		if c.take(ctx) != nil {
			return nil
		}
		c.step(ctx)
		c.give()
		timer.Reset(c.pause())
	}
}

func (c *Change) claim() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.wrong != nil:
		return c.wrong
	case c.running:
		return errors.New("it runs already")
	case !c.started && !c.leaving:
		return errNotStarted
	}
	c.running = true
	return nil
}

func (c *Change) disclaim() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = false
}

// ripe reports whether what waits for the end of pins can be done now.
func (c *Change) ripe() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == joined && (c.unsure != nil || c.owes() || c.drained()) || c.state == gone && !c.leaving
}

// drained reports whether Leave's time was over before its work was, which is left to do.
// The lock is held.
func (c *Change) drained() bool { return c.leaving && c.pinned() == 0 }

// pause is how long there is nothing to do.
func (c *Change) pause() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := max(0, time.Until(c.renewAt))
	switch {
	case c.state != joined && c.leaving:
		return math.MaxInt64
	case c.state == joined && c.config.Poll > 0: // never exactly, so that a fleet does not poll at once
		d = min(d, c.config.Poll-c.config.Poll/10+rand.N(c.config.Poll/5+1))
	}
	return d
}

// step does what is due. It has the turn, so that nobody else changes the state.
func (c *Change) step(ctx context.Context) {
	c.mu.Lock()
	c.forsake()
	in, leaving, drained := c.state == joined, c.leaving, c.drained()
	due := in && (c.owes() || time.Until(c.renewAt) <= 0)
	c.mu.Unlock()
	switch {
	case !in && leaving: // it is over
	case !in:
		c.join(ctx)
	case drained:
		_ = c.giveBack(ctx) // or else it lapses
	case due || c.poll(ctx):
		for c.renew(ctx) {
		}
	}
}

// forsake leaves the row to lapse, if a COMMIT may still be done. The lock is held, and the
// turn.
func (c *Change) forsake() {
	if c.state == joined && c.unsure != nil {
		c.lost(c.unsure)
		c.before = "" // so it is not deleted
	}
}

// poll reports whether a renewal should follow at once: to acknowledge, or to decide.
func (c *Change) poll(ctx context.Context) bool {
	// If there is no answer, the renewal must not be late for it.
	ctx, cancel := context.WithTimeout(ctx, max(time.Until(c.renewAt), time.Millisecond))
	defer cancel()
	now, ours, err := c.look(ctx)
	if err != nil {
		return time.Until(c.renewAt) <= 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !ours || c.trouble != nil || c.follow(now) != nil || c.owes()
}

// renew reports whether it should be called again, as it has brought what can be
// acknowledged.
func (c *Change) renew(ctx context.Context) (again bool) {
	c.mu.Lock()
	keeper, ack := c.current.lease, c.acked
	if c.owes() {
		ack = c.current.seen
	}
	c.mu.Unlock()
	var now change
	sent := time.Now()
	err := keeper.Renew(ctx, func(ctx context.Context) (err error) {
		now, err = c.update(ctx, ack)
		return err
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renewAt = sent.Add(keeper.Pause(err))
	if err == nil {
		c.renewed(ack)
		err = c.follow(now)
	} else if !errors.Is(err, lease.ErrGone) {
		c.missed(err)
		return false
	}
	if err != nil {
		c.lost(err)
		return false
	}
	return c.owes()
}

// follow adopts what the database says, or tells why that cannot be. The lock is held.
func (c *Change) follow(now change) error {
	was := c.current
	switch {
	case now.seen == was.seen || c.leaving:
		return nil
	case now.epoch < was.epoch || now.epoch > c.acked.epoch+1 || !now.stage.Neighbours(was.stage):
		return fmt.Errorf("the change has gone from %v, epoch %d, to %v, epoch %d, without this instance",
			was.stage, was.epoch, now.stage, now.epoch)
	case !c.config.can(now.stage):
		return c.unfit(now)
	}
	c.adopt(was.lease, now)
	c.logger().Info("change: new transactions use another stage", "change", c.name, "stage", now.stage.String(), "epoch", now.epoch)
	return nil
}

// renewed, missed and lost note what has become of a renewal. The lock is held.
func (c *Change) renewed(ack seen) {
	if c.acked != ack {
		c.logger().Info("change: acknowledged", "change", c.name, "stage", ack.stage.String(), "epoch", ack.epoch)
	}
	if c.fenced {
		c.logger().Info("change: not fenced any more", "change", c.name)
	}
	c.acked, c.trouble, c.fenced = ack, nil, false
}

func (c *Change) missed(err error) {
	c.trouble = explained(err)
	if !c.fenced && !c.current.lease.Held() {
		c.fenced = true
		c.logger().Warn("change: fenced, as the lease could not be renewed", "change", c.name, "err", err)
	}
}

func (c *Change) lost(err error) {
	c.logger().Warn("change: fenced and not ready, as the lease is gone", "change", c.name, "err", err)
	c.current.lease.Drop()
	c.now.Store(nil)
	c.state, c.why, c.trouble, c.fenced, c.unsure = gone, err, err, false, nil
	c.before, c.id = c.id, ""
	c.renewAt = time.Now() // it joins again at once
}
