package change

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/handover-go/handover/dbcompat/change/internal/store"
	"github.com/handover-go/handover/internal/lease"
)

// An era is what a pin is of: a stage, from one move of the change to the next, under one
// lease. It counts its pins as RCU counts readers: who has counted itself looks again
// whether the era is still the present one, and who has ended it looks at the count
// afterwards, so that one of the two sees the other.
type era struct {
	lease *lease.Keeper
	seen
	fence string // a condition for a statement
	begin string // what begins a transaction; "" for what pgx has

	pins [shards]counter
}

// A counter has a cache line to itself: requests on several cores would else wait for
// each other's.
type counter struct {
	n atomic.Int64
	_ [56]byte
}

const shards = 8

// enter returns where to leave.
func (e *era) enter() *atomic.Int64 {
	n := &e.pins[rand.Uint32()%shards].n
	n.Add(1)
	return n
}

// open is how many pins there are. Once the era is over, they only become fewer, and a
// pin leaves where it has entered: so counters that are looked at one after the other,
// and are all 0, stay so.
func (e *era) open() int64 {
	var n int64
	for i := range e.pins {
		n += e.pins[i].n.Load()
	}
	return n
}

// adopt makes an era of what the database says the present one. The lock is held.
func (c *Change) adopt(keeper *lease.Keeper, now change) {
	e := &era{lease: keeper, seen: now.seen, fence: "true"}
	if now.fenced {
		pass := store.Fence{Schema: c.tables.Schema, ID: now.id}.Pass(now.epoch)
		e.fence, e.begin = "(SELECT "+pass+")", "begin; SELECT "+pass
	}
	if c.current != nil {
		c.past = append(c.past, c.current)
	}
	c.current = e
	c.now.Store(e)
}

// pinned is how many pins there are, and others how many of them are not of this stage
// and epoch. The lock is held.
func (c *Change) pinned() int64 { return c.others(seen{}) }

func (c *Change) others(s seen) (pins int64) {
	c.past = slices.DeleteFunc(c.past, func(e *era) bool { return e.open() == 0 })
	for _, e := range append(slices.Clip(c.past), c.current) {
		if e != nil && (e.stage != s.stage || e.epoch != s.epoch) {
			pins += e.open()
		}
	}
	return pins
}

// owes reports whether the present epoch has not been acknowledged, and can be. The lock
// is held.
func (c *Change) owes() bool {
	return c.unsure == nil && c.acked.epoch != c.current.epoch && c.others(c.current.seen) == 0
}

// exit ends a pin. If its era is over, who waits for that looks again.
func (c *Change) exit(e *era, n *atomic.Int64) {
	if n.Add(-1) == 0 && c.now.Load() != e {
		notify(c.wake)
		notify(c.idle)
	}
}
