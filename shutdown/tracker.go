package shutdown

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Tracker counts work in flight that net/http cannot see: jobs, goroutines that
// outlive their request, messages being handled. The zero Tracker is ready, and
// safe for concurrent use. As a component it has only a Stop:
//
//	lifecycle.Component{Name: "mails", Stop: mails.Shutdown}
//
// Unlike a sync.WaitGroup it has a gate: once Shutdown has begun no work can be
// added behind the back of who waits.
type Tracker struct {
	mu      sync.Mutex
	work    map[*piece]struct{}
	stopped bool
	empty   chan struct{} // closed when stopped and without work; made by Shutdown
}

type piece struct {
	name  string
	began time.Time
}

// Begin enters a piece of work under a name for the report, and returns the
// function that ends it (calling it again does nothing). After Shutdown has
// begun it returns ErrStopped: the work has to be refused or handed back.
func (t *Tracker) Begin(name string) (done func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return nil, fmt.Errorf("shutdown: begin %s: %w", name, ErrStopped)
	}
	if t.work == nil {
		t.work = make(map[*piece]struct{})
	}
	p := &piece{name: name, began: time.Now()}
	t.work[p] = struct{}{}
	return func() { t.end(p) }, nil
}

func (t *Tracker) end(p *piece) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.work[p]; !ok {
		return
	}
	delete(t.work, p)
	if t.stopped && len(t.work) == 0 {
		close(t.empty)
	}
}

// InFlight is the number of pieces of work that have begun and not ended.
func (t *Tracker) InFlight() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.work)
}

// Shutdown refuses new work and returns when the last piece has ended. At ctx's
// deadline it returns a *CutError that names what has not, oldest first; it ends
// nothing itself. Calling it again waits again.
func (t *Tracker) Shutdown(ctx context.Context) error {
	select {
	case <-t.stop():
		return nil
	case <-ctx.Done():
		return &CutError{Cut: t.cut(), Cause: context.Cause(ctx)}
	}
}

func (t *Tracker) stop() (empty <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopped {
		t.stopped = true
		t.empty = make(chan struct{})
		if len(t.work) == 0 {
			close(t.empty)
		}
	}
	return t.empty
}

func (t *Tracker) cut() []Cut {
	t.mu.Lock()
	defer t.mu.Unlock()
	cuts := make([]Cut, 0, len(t.work))
	for p := range t.work {
		cuts = append(cuts, Cut{What: p.name, Age: time.Since(p.began)})
	}
	slices.SortFunc(cuts, func(a, b Cut) int { return cmp.Compare(b.Age, a.Age) })
	return cuts
}
