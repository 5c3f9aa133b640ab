package front

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Carrier carries the traffic.
type Carrier interface {
	// Apply returns when a state is in force. It is called once at a time.
	Apply(context.Context, State) error
	// Wait is for its end, when the context that it was started with has ended.
	Wait()
}

// Balancer decides who is behind a carrier. Its methods may be called at the same time.
type Balancer struct {
	carrier Carrier
	lag     time.Duration
	failed  chan error
	news    chan struct{}
	work    sync.WaitGroup

	mu      sync.Mutex
	pending []change // in the order of their time
	state   State
}

// change is one that is not in force yet.
type change struct {
	due  time.Time
	do   func(*State)
	done chan error // has room for one
}

// New returns a balancer that does nothing yet. A change other than Add is in force a lag
// later.
func New(carrier Carrier, lag time.Duration) *Balancer {
	return &Balancer{carrier: carrier, lag: lag, failed: make(chan error, 1), news: make(chan struct{}, 1)}
}

// Start brings changes into force until ctx ends.
func (b *Balancer) Start(ctx context.Context) { b.work.Go(func() { b.run(ctx) }) }

// Add puts a process that is ready into rotation, and returns when it is.
func (b *Balancer) Add(ctx context.Context, t Target) error {
	c := b.after(0, func(s *State) { s.Targets = append(s.Targets, t) })
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Leave takes processes out of rotation, a lag later. What they have begun they finish.
func (b *Balancer) Leave(names ...string) {
	b.after(b.lag, func(s *State) {
		s.Targets = slices.DeleteFunc(s.Targets, func(t Target) bool { return slices.Contains(names, t.Name) })
	})
}

// Weigh gives each version its share, a lag later; nil gives each process the same. What
// another version has failed to answer, spare may, unless it is empty.
func (b *Balancer) Weigh(weights map[string]int, spare string) {
	b.after(b.lag, func(s *State) { s.Weights, s.Spare = weights, spare })
}

// Failed gets the first error of the carrier.
func (b *Balancer) Failed() <-chan error { return b.failed }

// Wait is for what Start has begun, when ctx has ended and nobody sends any more.
func (b *Balancer) Wait() {
	b.work.Wait()
	b.carrier.Wait()
}

func (b *Balancer) after(d time.Duration, do func(*State)) change {
	c := change{time.Now().Add(d), do, make(chan error, 1)}
	b.mu.Lock()
	b.pending = append(b.pending, c)
	slices.SortStableFunc(b.pending, func(a, b change) int { return a.due.Compare(b.due) })
	b.mu.Unlock()
	select {
	case b.news <- struct{}{}:
	default: // it has not looked at the last ones yet
	}
	return c
}

func (b *Balancer) run(ctx context.Context) {
	for {
		due, state, next := b.take()
		if len(due) > 0 {
			err := b.carrier.Apply(ctx, state)
			b.tell(ctx, err)
			for _, c := range due {
				c.done <- err
			}
			continue
		}
		timer := time.NewTimer(next)
		select {
		case <-b.news:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// tell keeps the first error, but for those of the end.
func (b *Balancer) tell(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	select {
	case b.failed <- err:
	default:
	}
}

// take is what is due, the state that it leads to, and when to look again.
func (b *Balancer) take() (due []change, state State, next time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.pending) > 0 && !b.pending[0].due.After(time.Now()) {
		b.pending[0].do(&b.state)
		due, b.pending = append(due, b.pending[0]), b.pending[1:]
	}
	next = time.Hour
	if len(b.pending) > 0 {
		next = time.Until(b.pending[0].due)
	}
	return due, b.state.clone(), next
}
