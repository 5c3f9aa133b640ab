package change

import (
	"context"
	"fmt"
	"time"

	"github.com/handover-go/handover/dbcompat"
)

// Status is what an instance knows, for a page or a metric. No query is made for it.
type Status struct {
	Name         string         // of the instance
	Joined       bool           // its row is in the database, as far as is known
	Held         bool           // and may be relied on,
	Left         time.Duration  // for this long, if no renewal gets through
	Stage        dbcompat.Stage // of new transactions, if it is held; 0 before the first
	Epoch        int64          // of Stage: one more with each move of the change, in either direction
	Fenced       bool           // the database refuses writers of stages that are gone
	Acknowledged int64          // the epoch
	Pins         int64          // open transactions
	Earlier      int64          // those of them that hold up the acknowledgement
	NotReady     error          // what Check says
	Err          error          // of the last renewal, or attempt to join; nil if it went well
}

// Status may be asked at any time.
func (c *Change) Status() Status {
	ready := c.Check(context.Background())
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Status{Name: c.config.Name, Joined: c.state == joined, Acknowledged: c.acked.epoch, NotReady: ready, Err: c.trouble}
	if e := c.current; e != nil {
		s.Held, s.Left = e.lease.Held(), e.lease.Left()
		s.Stage, s.Epoch, s.Fenced = e.stage, e.epoch, e.fenced
		s.Earlier = c.others(e.seen)
		s.Pins = c.pinned()
	}
	return s
}

// Check is for readiness. It is an error if the instance has not joined, or its lease is
// gone: the reason, with the stages and what to do. It is none if the lease has only not
// been renewed in time, as that is so for the whole fleet when the database is away. It
// looks at the memory only. errors.Is tells ErrNotJoined, ErrFenced and ErrLeft.
func (c *Change) Check(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == joined && !c.leaving {
		return nil
	}
	return c.refusal()
}

// refusal is why there is no stage. The lock is held.
func (c *Change) refusal() error {
	switch {
	case c.leaving:
		return fmt.Errorf("change: %s: %w: Leave has been called", c.name, ErrLeft)
	case c.state == gone:
		return fmt.Errorf("change: %s: %w, until it has joined again: %w", c.name, ErrFenced, c.why)
	default:
		return fmt.Errorf("change: %s: %w: %w", c.name, ErrNotJoined, c.why)
	}
}
