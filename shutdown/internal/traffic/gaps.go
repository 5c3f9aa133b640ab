package traffic

import (
	"sync/atomic"
	"time"
)

const (
	// silenceFactor times the longest gap is the silence that counts as evidence.
	silenceFactor = 3
	// fewGaps is how many gaps say too little: until then only the longest
	// silence will do.
	fewGaps = 10
	// memory is after how long a gap begins to be forgotten; a quiet night must
	// not lengthen every stop of the day.
	memory = time.Minute
)

// gaps remembers the longest pause between events of one kind, over the last one
// to two minutes. Its methods are safe for concurrent use and, in the common
// case, only read shared memory.
type gaps struct {
	last          atomic.Int64 // time.Duration on the table's clock; 0: no event yet
	now, previous atomic.Int64 // longest gap in this period and in the one before
	seen, before  atomic.Int64 // how many, in the same periods
}

// event notes that something happened, and how long it had not.
func (g *gaps) event(at time.Duration) {
	if last := g.last.Swap(int64(at)); last != 0 {
		g.observe(at - time.Duration(last))
	}
}

// observe notes a gap that was measured elsewhere.
func (g *gaps) observe(gap time.Duration) {
	if g.seen.Load() < fewGaps {
		g.seen.Add(1)
	}
	raise(&g.now, int64(gap))
}

// matters reports whether observing gap would change anything.
func (g *gaps) matters(gap time.Duration) bool {
	return g.seen.Load() < fewGaps || int64(gap) > g.now.Load()
}

// silence is how long nothing may have happened before one may believe that
// nothing will.
func (g *gaps) silence(least, most time.Duration) time.Duration {
	if g.seen.Load()+g.before.Load() < fewGaps {
		return most
	}
	return min(max(silenceFactor*g.longest(), least), most)
}

func (g *gaps) longest() time.Duration {
	return time.Duration(max(g.now.Load(), g.previous.Load()))
}

func (g *gaps) forget() {
	g.previous.Store(g.now.Swap(0))
	g.before.Store(g.seen.Swap(0))
}

func raise(a *atomic.Int64, to int64) {
	for {
		old := a.Load()
		if to <= old || a.CompareAndSwap(old, to) {
			return
		}
	}
}
