package balance

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/handover-go/handover/shutdown/droptest/internal/once"
	"github.com/handover-go/handover/shutdown/droptest/internal/wire"
)

// unhealthyAfter is how many looks have to fail in a row, as in the
// defaults of most balancers; one success is enough to join.
const unhealthyAfter = 2

// Config says what kind of balancer it is. All of it is needed, but a zero Lag
// or RTT is none.
type Config struct {
	Proxy     bool          // spreads requests; otherwise connections
	Lag       time.Duration // until it knows that an endpoint is to leave
	RTT       time.Duration // round trip to an endpoint's API
	Poll      time.Duration // between two looks at ReadyPath
	ReadyPath string
}

// Balancer spreads connections or requests over the endpoints in rotation.
type Balancer struct {
	cfg      Config
	wires    *wire.Set
	client   *http.Client // of the looks
	rotation *Rotation
	routes   routes
	work     sync.WaitGroup
}

// New returns a balancer that does nothing yet. Its connections are wires of the
// given set.
func New(cfg Config, wires *wire.Set) *Balancer {
	return &Balancer{
		cfg:   cfg,
		wires: wires,
		client: &http.Client{
			Transport: &http.Transport{DisableKeepAlives: true},
			Timeout:   time.Second,
		},
		rotation: NewRotation(cfg.Lag),
	}
}

// Start serves on ln until ctx ends.
func (b *Balancer) Start(ctx context.Context, ln net.Listener) {
	b.work.Go(func() {
		defer context.AfterFunc(ctx, func() { _ = ln.Close() })()
		if b.cfg.Proxy {
			b.serveProxy(ctx, ln)
		} else {
			b.serveLayer4(ctx, ln)
		}
	})
}

// Add begins to look at a process, until it has exited or ctx ends.
func (b *Balancer) Add(ctx context.Context, t Target) *Endpoint {
	e := NewEndpoint(t)
	e.pool = once.New(func(ctx context.Context) (*wire.Wire, error) { return b.dial(ctx, e) })
	b.work.Go(func() { b.watch(ctx, e) })
	return e
}

// Told is the control plane's word that an endpoint was told to end.
func (b *Balancer) Told(e *Endpoint) { b.rotation.Leave(e, true) }

func (b *Balancer) watch(ctx context.Context, e *Endpoint) {
	tick := time.NewTicker(b.cfg.Poll)
	defer tick.Stop()
	for failed := 0; ; {
		if b.ready(ctx, e) {
			failed = 0
			b.rotation.Join(e)
		} else if failed++; failed == unhealthyAfter {
			b.rotation.Leave(e, false)
		}
		select {
		case <-tick.C:
		case <-e.Exited:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (b *Balancer) ready(ctx context.Context, e *Endpoint) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.Probes+b.cfg.ReadyPath, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode < 400 // as the kubelet sees it
}

func (b *Balancer) dial(ctx context.Context, e *Endpoint) (*wire.Wire, error) {
	return b.wires.Dial(ctx, e.API, b.cfg.RTT/2)
}

// Wait is for what Start and Add began, when ctx and the wires have ended.
func (b *Balancer) Wait() {
	b.work.Wait()
	b.client.CloseIdleConnections()
	b.rotation.stop()
}
