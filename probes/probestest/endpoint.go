package probestest

// Endpoint is a pod as the Services that select it see it: the conditions of an
// EndpointSlice (k8s.io/endpointslice utils.go).
type Endpoint struct {
	Ready       bool // gets traffic: Serving and not Terminating
	Serving     bool // the pod is ready
	Terminating bool // the pod was deleted
}

// Endpoint returns what is known of the pod in the moment. In a cluster it takes
// up to seconds until it is known everywhere.
func (p *Pod) Endpoint() Endpoint {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Endpoint{Ready: p.ready && !p.terminating, Serving: p.ready, Terminating: p.terminating}
}

// Usable returns the indices of the endpoints to which kube-proxy sends: those
// that are ready or, if there is none, those that terminate and still serve
// (CategorizeEndpoints of k8s.io/kubernetes pkg/proxy/topology.go, without topology).
// The last replica of a Service that fails its readiness as it drains therefore
// drops what it could have served.
func Usable(endpoints ...Endpoint) []int {
	pick := func(good func(Endpoint) bool) (indices []int) {
		for i, e := range endpoints {
			if good(e) {
				indices = append(indices, i)
			}
		}
		return indices
	}
	if ready := pick(func(e Endpoint) bool { return e.Ready }); len(ready) > 0 {
		return ready
	}
	return pick(func(e Endpoint) bool { return e.Serving && e.Terminating })
}
