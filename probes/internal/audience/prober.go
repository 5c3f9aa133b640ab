package audience

import (
	"net/http"
	"sync/atomic"
	"time"
	"unsafe"
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

// prober is one that asks again and again. What is seldom written lies apart from
// what each visit writes, so that many visits at once do not keep each other waiting
// for more than one line of the processor's cache.
type prober struct {
	agent Agent
	lasts [endpoints]atomic.Int64 // when it last asked, as a time.Duration; 0: never
	gap   atomic.Int64            // the longest time of late between two questions to Ready
	told  atomic.Int64            // so many times in a row: not ready
	polls atomic.Int64            // so many questions to Ready since it last stayed away for long

	shards [shards]shard
}

// shards are for visits at the same time: two that run side by side write to the same
// line of the cache only once in so many times.
const shards = 8

// shard is a part of the counts, on a line of the cache of its own.
type shard struct {
	_      [64]byte
	counts [endpoints][2]atomic.Int64 // by what it was told: not ok, ok
}

// shardOf is the same for a goroutine as long as it asks with the same request.
func shardOf(r *http.Request) uintptr {
	return uintptr(unsafe.Pointer(r)) / unsafe.Sizeof(*r) % shards
}

// burst is a time in which several questions are one: nobody acts on the answers to
// all of them.
const burst = time.Millisecond

// stranger is a time after which who comes back is nobody who polls: somebody with
// curl, twice in a day.
const stranger = time.Minute

// visit notes a question and the answer to it.
func (p *prober) visit(at Endpoint, r *http.Request, ok bool, now time.Duration) {
	p.shards[shardOf(r)].counts[at][index(ok)].Add(1)
	if at == Ready && ok && p.told.Load() > 0 {
		p.told.Store(0)
	}
	now = max(now, 1)
	last := time.Duration(p.lasts[at].Load())
	if last > 0 && now-last < burst {
		return
	}
	p.lasts[at].Store(int64(now))
	if at != Ready {
		return
	}
	if was, gap := time.Duration(p.gap.Load()), now-last; last == 0 || gap > stranger {
		p.polls.Store(1)
	} else {
		p.polls.Add(1)
		p.gap.Store(int64(max(gap, was-was/4)))
	}
	if !ok {
		p.told.Add(1)
	}
}

func index(ok bool) int {
	if ok {
		return 1
	}
	return 0
}

func (p *prober) visits(at Endpoint) int64 { return p.count(at, 0) + p.count(at, 1) }

func (p *prober) count(at Endpoint, ok int) (n int64) {
	for i := range p.shards {
		n += p.shards[i].counts[at][ok].Load()
	}
	return n
}

// last is when it last asked anything.
func (p *prober) last() int64 {
	return max(p.lasts[Startup].Load(), p.lasts[Ready].Load(), p.lasts[Live].Load())
}

// awaited is the moment until which it is worth waiting for a balancer's next
// question; 0 if it is none.
//
// An unknown agent counts as a balancer when it has come back within a minute. One that stays away for three times its own interval has gone.
func (p *prober) awaited() time.Duration {
	n := p.polls.Load()
	if n == 0 || p.agent == Kubelet || (n == 1 && p.agent == Other) {
		return 0
	}
	gap := time.Duration(p.gap.Load())
	if gap == 0 {
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
