package balance

import (
	"slices"
	"sync"
	"time"
)

// Rotation is whose turn it is. Its methods may be called at the same time.
type Rotation struct {
	lag time.Duration

	mu   sync.Mutex
	in   []*Endpoint
	turn int
}

// NewRotation returns an empty rotation, in which the news that an endpoint is
// to leave takes lag to arrive.
func NewRotation(lag time.Duration) *Rotation { return &Rotation{lag: lag} }

// Join puts an endpoint into rotation, unless it is there or was told to end.
func (r *Rotation) Join(e *Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.told {
		return
	}
	if e.leaving != nil {
		e.leaving.Stop()
		e.leaving = nil
	}
	if slices.Contains(r.in, e) {
		return
	}
	r.in = append(r.in, e)
	if !e.known {
		e.known = true
		close(e.joined)
	}
}

// Leave takes an endpoint out of rotation when the news has travelled. What
// comes first counts: the control plane's word (told) or the balancer's own look.
func (r *Rotation) Leave(e *Endpoint, told bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.told = e.told || told
	if e.leaving == nil && slices.Contains(r.in, e) {
		e.leaving = time.AfterFunc(r.lag, func() { r.remove(e) })
	}
}

func (r *Rotation) remove(e *Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.in = slices.DeleteFunc(r.in, func(other *Endpoint) bool { return other == e })
}

// Next is the endpoint whose turn it is, or nil.
func (r *Rotation) Next() *Endpoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.in) == 0 {
		return nil
	}
	r.turn++
	return r.in[r.turn%len(r.in)]
}

// stop forgets the news that is on its way.
func (r *Rotation) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.in {
		if e.leaving != nil {
			e.leaving.Stop()
		}
	}
}
