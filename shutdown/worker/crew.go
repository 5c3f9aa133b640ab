package worker

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/handover-go/handover/internal/stack"
	"github.com/handover-go/handover/shutdown"
)

// worker is a goroutine of a pool: what Shutdown waits for, and names. Pool.mu
// guards what is below goroutine.
type worker struct {
	failures int  // of pull, in a row; the one under way counts as one
	returned int  // jobs in a row that were handed back
	counted  bool // in Pool.failing

	goroutine stack.ID
	what      string // it is doing; empty: nothing yet
	since     time.Time
	holds     bool // a job
}

// add is called with p.mu held.
func (p *Pool[T]) add(what string) *worker {
	w := &worker{what: what, since: time.Now()}
	p.workers[w] = struct{}{}
	return w
}

// enter starts f, unless the last worker has gone.
func (p *Pool[T]) enter(what string, f func(*worker)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.idle:
		return false
	default:
	}
	p.launch(p.add(what), f)
	return true
}

func (p *Pool[T]) launch(w *worker, f func(*worker)) {
	go func() {
		defer p.leave(w)
		id := stack.Current()
		p.mu.Lock()
		w.goroutine = id
		p.mu.Unlock()
		f(w)
	}()
}

func (p *Pool[T]) leave(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.workers, w)
	if len(p.workers) == 0 {
		close(p.idle)
	}
}

// turn notes what a worker does from now on.
func (p *Pool[T]) turn(w *worker, what string, holds bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.what, w.holds, w.since = what, holds, time.Now()
}

// InFlight is the number of jobs that have been taken and are not done.
func (p *Pool[T]) InFlight() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for w := range p.workers {
		if w.holds {
			n++
		}
	}
	return n
}

// cuts names those who are still at work, oldest first.
func (p *Pool[T]) cuts() []shutdown.Cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	busy := make(map[stack.ID]*worker, len(p.workers))
	for w := range p.workers {
		if w.what != "" {
			busy[w.goroutine] = w
		}
	}
	if len(busy) == 0 {
		return nil // to look for stacks would stop the world
	}
	stacks := stack.Of(slices.Collect(maps.Keys(busy))...)
	cuts := make([]shutdown.Cut, 0, len(busy))
	for id, w := range busy {
		cuts = append(cuts, shutdown.Cut{What: w.what, Age: time.Since(w.since), Stack: stacks[id]})
	}
	slices.SortFunc(cuts, func(a, b shutdown.Cut) int { return cmp.Compare(b.Age, a.Age) })
	return cuts
}
