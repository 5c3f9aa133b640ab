package droptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// unhealthyAfter is how many looks have to fail in a row, as in the
// defaults of most balancers; one success is enough to join.
const unhealthyAfter = 2

var errNoEndpoint = errors.New("no process is in rotation")

// endpoint is a process as the balancer sees it.
type endpoint struct {
	*process
	pool   *client       // of the proxy
	joined chan struct{} // closed when it is in rotation for the first time

	// Guarded by balancer.mu.
	known   bool        // joined is closed
	told    bool        // SIGTERM was sent: it does not come back
	leaving *time.Timer // the news is on its way
}

// balancer spreads connections or requests over the endpoints in rotation.
type balancer struct {
	cfg    Config
	wires  *wires
	client *http.Client
	work   sync.WaitGroup

	mu       sync.Mutex
	rotation []*endpoint
	turn     int
	routes   map[string]route // by the client's address; ports come again, so it stays small
}

// route is where the connection of a client went.
type route struct {
	process string
	refused string // why it did not get there
}

func newBalancer(cfg Config, ws *wires) *balancer {
	return &balancer{
		cfg:   cfg,
		wires: ws,
		client: &http.Client{
			Transport: &http.Transport{DisableKeepAlives: true},
			Timeout:   time.Second,
		},
		routes: make(map[string]route),
	}
}

// listen takes the balancer's address, before anything else is begun.
func listen(address string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("droptest: the balancer cannot listen: %w: choose another Config.Listen, or 127.0.0.1:0 for a free port", err)
	}
	return ln, nil
}

// start serves on ln until ctx ends.
func (b *balancer) start(ctx context.Context, ln net.Listener) {
	b.work.Go(func() {
		defer context.AfterFunc(ctx, func() { _ = ln.Close() })()
		if b.cfg.Kind == Proxy {
			b.serveProxy(ctx, ln)
		} else {
			b.serveLayer4(ctx, ln)
		}
	})
}

// add begins to look at a process, until it has exited or ctx ends.
func (b *balancer) add(ctx context.Context, p *process) *endpoint {
	e := &endpoint{process: p, joined: make(chan struct{})}
	e.pool = &client{dial: func(ctx context.Context) (*wire, error) { return b.dial(ctx, e) }}
	b.work.Go(func() { b.watch(ctx, e) })
	return e
}

func (b *balancer) watch(ctx context.Context, e *endpoint) {
	tick := time.NewTicker(b.cfg.Poll)
	defer tick.Stop()
	for failed := 0; ; {
		if b.ready(ctx, e) {
			failed = 0
			b.join(e)
		} else if failed++; failed == unhealthyAfter {
			b.leave(e, false)
		}
		select {
		case <-tick.C:
		case <-e.exited:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (b *balancer) ready(ctx context.Context, e *endpoint) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.addresses.Probes+b.cfg.ReadyPath, http.NoBody)
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

// join puts an endpoint into rotation, unless it is there or was told to end.
func (b *balancer) join(e *endpoint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.told {
		return
	}
	if e.leaving != nil {
		e.leaving.Stop()
		e.leaving = nil
	}
	if slices.Contains(b.rotation, e) {
		return
	}
	b.rotation = append(b.rotation, e)
	if !e.known {
		e.known = true
		close(e.joined)
	}
}

// leave takes an endpoint out of rotation when the news has travelled. What
// comes first counts: the control plane's word (told) or the balancer's own look.
func (b *balancer) leave(e *endpoint, told bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e.told = e.told || told
	if e.leaving == nil && slices.Contains(b.rotation, e) {
		e.leaving = time.AfterFunc(b.cfg.Lag, func() { b.remove(e) })
	}
}

func (b *balancer) remove(e *endpoint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rotation = slices.DeleteFunc(b.rotation, func(other *endpoint) bool { return other == e })
}

// next is the endpoint whose turn it is, or nil.
func (b *balancer) next() *endpoint {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rotation) == 0 {
		return nil
	}
	b.turn++
	return b.rotation[b.turn%len(b.rotation)]
}

// dial connects to an endpoint, which takes a round trip.
func (b *balancer) dial(ctx context.Context, e *endpoint) (*wire, error) {
	half := b.cfg.RTT / 2
	if err := sleep(ctx, half); err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", e.addresses.API)
	if errSleep := sleep(ctx, half); err == nil && errSleep != nil {
		_ = conn.Close()
		return nil, errSleep
	}
	if err != nil {
		return nil, err
	}
	return b.wires.add(conn, half), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait is for what serve and add began, when ctx and the wires have ended.
func (b *balancer) wait() {
	b.work.Wait()
	b.client.CloseIdleConnections()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.rotation {
		if e.leaving != nil {
			e.leaving.Stop()
		}
	}
}
