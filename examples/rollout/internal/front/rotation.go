package front

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Target is a process behind the balancer.
type Target struct {
	Name, Version string
	API           string // host:port
}

// endpoint is a Target with the connections to it.
type endpoint struct {
	Target
	kept *http.Transport
}

// rotation is whose turn it is.
type rotation struct {
	lag time.Duration

	mu      sync.Mutex
	in      []*endpoint
	weights map[string]int // by version; nil: each process has the same
	credit  map[string]int // of a version that has had less than its share
	turn    map[string]int
	spare   string
	later   []*time.Timer
	over    bool
}

func newRotation(lag time.Duration) *rotation {
	return &rotation{lag: lag, credit: map[string]int{}, turn: map[string]int{}}
}

func (r *rotation) add(e *endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.in = append(r.in, e)
}

// after does something when the news has arrived.
func (r *rotation) after(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.later = append(r.later, time.AfterFunc(r.lag, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.over {
			do()
		}
	}))
}

func (r *rotation) leave(names []string) {
	r.after(func() {
		r.in = slices.DeleteFunc(r.in, func(e *endpoint) bool { return slices.Contains(names, e.Name) })
	})
}

func (r *rotation) weigh(weights map[string]int, spare string) {
	weights = maps.Clone(weights)
	r.after(func() {
		r.weights, r.spare = weights, spare
		clear(r.credit)
	})
}

// next is the endpoint whose turn it is, or nil. Each version gets its weight's share in
// any stretch of requests, as with nginx: the one with the most credit is next, and pays.
func (r *rotation) next() (e *endpoint, spare string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	here := map[string]int{}
	for _, e := range r.in {
		here[e.Version]++
	}
	total, best := 0, ""
	for _, version := range slices.Sorted(maps.Keys(here)) {
		weight := here[version]
		if r.weights != nil {
			weight = r.weights[version]
		}
		if weight == 0 {
			continue
		}
		total += weight
		r.credit[version] += weight
		if best == "" || r.credit[version] > r.credit[best] {
			best = version
		}
	}
	if best == "" {
		return nil, ""
	}
	r.credit[best] -= total
	return r.of(best), r.spare
}

// another is one of a version.
func (r *rotation) another(version string) *endpoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of(version)
}

func (r *rotation) of(version string) *endpoint {
	var all []*endpoint
	for _, e := range r.in {
		if e.Version == version {
			all = append(all, e)
		}
	}
	if len(all) == 0 {
		return nil
	}
	r.turn[version]++
	return all[r.turn[version]%len(all)]
}

// stop forgets the news that is on its way.
func (r *rotation) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for _, timer := range r.later {
		timer.Stop()
	}
}
