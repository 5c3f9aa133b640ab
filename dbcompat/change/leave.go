package change

import (
	"context"
	"fmt"
)

// Leave takes no new transactions, waits for those that are open, and gives the lease
// back; it is a component's Stop. It is an error if some do not end before ctx does: then
// Run gives it back after them. And it is one if the database does not answer: then the
// lease ends by itself. It may be called twice, and before Join.
func (c *Change) Leave(ctx context.Context) error {
	c.mu.Lock()
	c.leaving = true
	c.now.Store(nil)
	done := c.over || c.wrong != nil // or nothing was begun
	c.mu.Unlock()
	if done {
		return nil
	}
	if err := c.drain(ctx); err != nil {
		return c.failed("leave", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.TTL) // by then there is no lease
	defer cancel()
	err := c.take(ctx)
	if err == nil {
		defer c.give()
		err = c.giveBack(ctx)
	}
	if err != nil {
		err = fmt.Errorf("the lease ends by itself, within %s: %w", c.config.TTL, err)
	}
	return c.failed("leave", err)
}

// drain waits for the last pin.
func (c *Change) drain(ctx context.Context) error {
	for {
		c.mu.Lock()
		n := c.pinned()
		c.mu.Unlock()
		if n == 0 {
			notify(c.idle) // another call may wait as well
			return nil
		}
		select {
		case <-c.idle:
		case <-ctx.Done():
			return fmt.Errorf("transactions are open, and the lease is given back after them: %d: %w", n, ctx.Err())
		}
	}
}

// giveBack deletes the row; if it cannot, it is not renewed either. Nothing is pinned any
// more. It has the turn.
func (c *Change) giveBack(ctx context.Context) error {
	c.mu.Lock()
	c.state = left
	if c.current != nil {
		c.current.lease.Drop()
	}
	if c.unsure != nil {
		c.id, c.before = "", "" // it lapses
	}
	c.mu.Unlock()
	if c.id != "" || c.before != "" {
		if err := c.remove(ctx); err != nil {
			return err
		}
		c.logger().Info("change: left", "change", c.name)
	}
	c.id, c.before = "", ""
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	return nil
}
