package counts

import (
	"sync/atomic"
	"time"
)

// The arms.
const (
	New = iota
	Control
	arms
)

// Tick is the second in which a request began, counted by those that were taken.
type Tick uint64

const (
	begunTicks  = 4  // in which a beginning may still arrive: it is between two instructions
	failedTicks = 64 // and a failure
	late        = 60 // an older one is of no second
)

// Counts is what has been counted. Use Make.
type Counts struct {
	rows   int
	tick   atomic.Uint64
	shards shards
	failed []atomic.Uint64 // by tick, row and arm, and at the end those that are late; not sharded, as a Damper comes before

	reader reader
}

// Make is a Counts with so many rows, whose first tick is the second now.
func Make(rows int, now int64) *Counts {
	c := &Counts{rows: rows}
	c.shards = makeShards(begunTicks*rows*arms + arms*Buckets)
	c.failed = make([]atomic.Uint64, (failedTicks+1)*rows*arms)
	c.reader = reader{begun: make([]uint64, begunTicks*rows*arms), failed: make([]uint64, len(c.failed))}
	c.reader.second[0] = now
	return c
}

// Begin counts that something began.
func (c *Counts) Begin(row, arm int) Tick {
	tick := c.tick.Load()
	c.shards.add((int(tick%begunTicks)*c.rows+row)*arms + arm)
	return Tick(tick)
}

// Fail counts that what began in a tick has failed.
func (c *Counts) Fail(row, arm int, tick Tick) {
	slot := int(tick % failedTicks)
	if c.tick.Load()-uint64(tick) >= late {
		slot = failedTicks
	}
	c.failed[(slot*c.rows+row)*arms+arm].Add(1)
}

// End counts how long something took.
func (c *Counts) End(arm int, took time.Duration) {
	c.shards.add(begunTicks*c.rows*arms + arm*Buckets + Bucket(took))
}
