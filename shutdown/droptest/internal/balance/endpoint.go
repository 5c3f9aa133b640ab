package balance

import (
	"time"

	"github.com/handover-go/handover/shutdown/droptest/internal/once"
)

// Target is what a balancer has to know of a process.
type Target struct {
	Name   string
	API    string          // host:port that gets the load
	Probes string          // host:port that is asked whether it is ready
	Exited <-chan struct{} // when closed, nobody looks any more
}

// Endpoint is a Target as a balancer sees it.
type Endpoint struct {
	Target
	pool   *once.Client  // of the proxy
	joined chan struct{} // closed when it is in rotation for the first time

	// Guarded by Rotation.mu.
	known   bool        // joined is closed
	told    bool        // it was told to end: it does not come back
	leaving *time.Timer // the news is on its way
}

// NewEndpoint returns an endpoint that is not in rotation yet.
func NewEndpoint(t Target) *Endpoint {
	return &Endpoint{Target: t, joined: make(chan struct{})}
}

// Joined is closed when the endpoint is in rotation for the first time.
func (e *Endpoint) Joined() <-chan struct{} { return e.joined }
