package audience

import (
	"sync/atomic"
	"time"
)

// Endpoint is the place that was asked; [Ready] is the one that balancers act on.
type Endpoint int

// The endpoints.
const (
	Startup Endpoint = iota
	Ready
	Live
	endpoints
)

// key is what a prober is told apart by. A lookup needs no memory of its own.
type key struct{ host, agent string }

// prober is one that asks again and again. A visit is a few writes, so that many
// probers at once do not wait for each other.
type prober struct {
	agent  Agent
	counts [endpoints][2]atomic.Int64 // by what it was told: not ok, ok
	lasts  [endpoints]atomic.Int64    // when it last asked, as a time.Duration
	gap    atomic.Int64               // the longest time of late between two questions to Ready
	told   atomic.Int64               // so many times in a row: not ready
}

// visit notes a question and the answer to it.
func (p *prober) visit(at Endpoint, ok bool, now time.Duration) {
	first := at == Ready && p.visits(Ready) == 0
	p.counts[at][index(ok)].Add(1)
	last := p.lasts[at].Swap(int64(now))
	if at != Ready {
		return
	}
	if was := p.gap.Load(); !first {
		if gap := max(int64(now)-last, was-was/4); gap != was {
			p.gap.Store(gap)
		}
	}
	switch {
	case !ok:
		p.told.Add(1)
	case p.told.Load() > 0:
		p.told.Store(0)
	}
}

func index(ok bool) int {
	if ok {
		return 1
	}
	return 0
}

func (p *prober) visits(at Endpoint) int64 { return p.counts[at][0].Load() + p.counts[at][1].Load() }

// last is when it last asked anything.
func (p *prober) last() int64 {
	return max(p.lasts[Startup].Load(), p.lasts[Ready].Load(), p.lasts[Live].Load())
}

// awaited is the moment until which it is worth waiting for a balancer's next
// question; 0 if it is none.
//
// An unknown agent counts as a balancer when it has come back: a person with curl
// asks once. One that stays away for three times its own interval has gone.
func (p *prober) awaited() time.Duration {
	n := p.visits(Ready)
	if n == 0 || p.agent == Kubelet || (n == 1 && p.agent == Other) {
		return 0
	}
	gap := time.Duration(p.gap.Load())
	if n == 1 {
		gap = firstGap
	}
	return time.Duration(p.lasts[Ready].Load()) + 3*max(gap, shortest)
}

const (
	// firstGap stands for the interval of a balancer that has asked only once: that
	// of HAProxy and Google is 2 and 5 s by default, ALB's 30 s.
	firstGap = 5 * time.Second
	// shortest keeps a burst from making an interval of nothing.
	shortest = 100 * time.Millisecond
)
