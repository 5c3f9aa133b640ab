package change

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/handover-go/handover/dbcompat"
)

// Pin is a stage that stays the same until Release, however the change moves: for one
// transaction, from before its BEGIN to after its end. It must not be copied.
type Pin struct {
	change   *Change
	era      *era
	counter  *atomic.Int64
	released atomic.Bool
}

// Pin pins the present stage. Release it, soon: the change waits for it. The error is
// [ErrFenced], [ErrNotJoined] or [ErrLeft], with the reason. It asks no database, takes
// no lock, and does not allocate.
//
// A transaction must be in between Pin and Release, must have [Pin.Fence] in what it
// writes if the change has a fence, and must not be committed if [Pin.Held] has an error.
// InTx does all that.
func (c *Change) Pin() (Pin, error) {
	for {
		e := c.now.Load()
		if e == nil {
			return Pin{}, c.absent()
		}
		n := e.enter()
		if c.now.Load() != e {
			c.exit(e, n) // it has moved in between
			continue
		}
		if !e.lease.Held() {
			c.exit(e, n)
			return Pin{}, c.lapsed(e)
		}
		return Pin{change: c, era: e, counter: n}, nil
	}
}

// Stage is the pinned one; of the zero Pin it is none, which no statement takes.
func (p *Pin) Stage() dbcompat.Stage {
	if p.era == nil {
		return 0
	}
	return p.era.stage
}

// Epoch is one more with each move of the change, in either direction.
func (p *Pin) Epoch() int64 {
	if p.era == nil {
		return 0
	}
	return p.era.epoch
}

// Fence is a condition for a WHERE, or an expression to SELECT, which is true, or fails
// if this stage is gone: see [Fenced]. It holds until the transaction's end, so once in
// it is enough. It is the SQL word true if the change has no fence.
func (p *Pin) Fence() string {
	if p.era == nil {
		return "true"
	}
	return p.era.fence
}

// Held is an error if the lease that the pin was made under is not held any more: then
// roll back. Ask it right before the COMMIT.
func (p *Pin) Held() error {
	switch {
	case p.era == nil:
		return fmt.Errorf("change: it is the zero Pin: %w", ErrNotJoined)
	case !p.era.lease.Held():
		return p.change.lapsed(p.era)
	}
	return nil
}

// Release ends it. To do it twice is legal.
func (p *Pin) Release() {
	if p.era != nil && !p.released.Swap(true) {
		p.change.exit(p.era, p.counter)
	}
}

// Stage is a dbcompat.Source: the stage that a new transaction would have. Nothing is
// pinned: the change does not wait for what is done with the answer, which so may be two
// stages behind when it is used. It is for logs, and for jobs that ask again before each
// step. The errors are those of Pin.
func (c *Change) Stage(context.Context) (dbcompat.Stage, error) {
	pin, err := c.Pin()
	defer pin.Release()
	return pin.Stage(), err
}

// absent is why there is no stage.
func (c *Change) absent() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refusal()
}

// lapsed is why an era's stage may not be used any more.
func (c *Change) lapsed(e *era) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	why := c.trouble
	switch {
	case c.state != joined:
		return c.refusal()
	case e.lease != c.current.lease:
		why = errors.New("it has been counted out, and has joined again since")
	case why == nil:
		why = errors.New("this process was stopped for a while, or Run does not run")
	}
	return fmt.Errorf("change: %s: %w: the lease has not been renewed in time: %w", c.name, ErrFenced, why)
}
