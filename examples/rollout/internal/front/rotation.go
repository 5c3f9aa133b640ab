package front

import (
	"maps"
	"net/http"
	"slices"
	"sync"
)

// endpoint is a Target with the connections to it.
type endpoint struct {
	Target
	kept *http.Transport
}

// rotation is whose turn it is.
type rotation struct {
	mu     sync.Mutex
	all    []*endpoint // that have ever been there
	in     []*endpoint
	state  State
	credit map[string]int // of a version that has had less than its share
	turn   map[string]int
}

func newRotation() *rotation {
	return &rotation{credit: map[string]int{}, turn: map[string]int{}}
}

func (r *rotation) set(s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !maps.Equal(r.state.Weights, s.Weights) {
		clear(r.credit)
	}
	r.state, r.in = s, nil
	for _, t := range s.Targets {
		i := slices.IndexFunc(r.all, func(e *endpoint) bool { return e.Target == t })
		if i < 0 {
			i = len(r.all)
			r.all = append(r.all, &endpoint{t, &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true}})
		}
		r.in = append(r.in, r.all[i])
	}
}

// next is the endpoint whose turn it is, or nil. Each version gets its weight's share in
// any stretch of requests, as with nginx: the one with the most credit is next, and pays.
func (r *rotation) next() (*endpoint, State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	here := r.state.counts()
	total, best := 0, ""
	for _, version := range slices.Sorted(maps.Keys(here)) {
		weight := here[version]
		if r.state.Weights != nil {
			weight = r.state.Weights[version]
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
		return nil, r.state
	}
	r.credit[best] -= total
	return r.of(best), r.state
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

// close gives up the connections that are kept.
func (r *rotation) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.all {
		e.kept.CloseIdleConnections()
	}
}
