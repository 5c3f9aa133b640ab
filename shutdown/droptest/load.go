package droptest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// payload is the body of each POST.
const payload = "a small body"

// load sends requests at random times (a Poisson process), which do not depend
// on when earlier ones were answered: users do not wait for each other, and a
// load that does hides the very time in which nothing is answered.
type load struct {
	cfg      Config
	address  string
	client   *client
	balancer *balancer
	tally    *tally
	random   *rand.Rand
}

func newLoad(cfg Config, address string, b *balancer, t *tally) *load {
	dial := func(ctx context.Context) (*wire, error) {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return b.wires.add(conn, 0), nil
	}
	return &load{
		cfg:      cfg,
		address:  address,
		client:   &client{dial: dial},
		balancer: b,
		tally:    t,
		random:   rand.New(rand.NewPCG(cfg.Seed, 0)),
	}
}

// run sends until stop is closed or ctx ends, and returns when every request
// has its answer. When ctx ends, those still without one count for nothing.
func (l *load) run(ctx context.Context, stop <-chan struct{}) {
	var inFlight sync.WaitGroup
	defer inFlight.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for due := time.Now(); ; {
		due = due.Add(time.Duration(l.random.ExpFloat64() * float64(time.Second) / float64(l.cfg.Rate)))
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-stop:
			return
		case <-ctx.Done():
			return
		}
		request := l.pick()
		inFlight.Go(func() { l.send(ctx, request, due) })
	}
}

// request is one draw from the mix.
type request struct {
	method, path string
	fresh, slow  bool
}

func (r request) String() string {
	if r.fresh {
		return r.method + " " + r.path + " on its own connection"
	}
	return r.method + " " + r.path
}

func (l *load) pick() request {
	r := request{method: http.MethodGet, path: l.cfg.Path}
	switch draw := l.random.Float64(); {
	case draw < l.cfg.NewShare:
		r.fresh = true
	case draw < (1+l.cfg.NewShare)/2:
		r.method = http.MethodPost
	}
	if l.cfg.SlowEvery > 0 && l.random.IntN(l.cfg.SlowEvery) == 0 {
		r.path, r.slow = l.cfg.SlowPath, true
	}
	return r
}

// send sends one request, once. Its latency counts from the moment it was due.
func (l *load) send(ctx context.Context, r request, due time.Time) {
	timed, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	answer, drop := l.client.exchange(timed, r.http(l.address))
	if ctx.Err() != nil {
		return
	}
	l.tally.count(l.judge(answer, drop), r, due)
}

func (r request) http(address string) *http.Request {
	target, _ := url.ParseRequestURI(r.path) // checked with the Config
	req := &http.Request{Method: r.method, URL: target, Host: address, Header: http.Header{}, Close: r.fresh}
	req.Header.Set("User-Agent", "droptest")
	if r.method == http.MethodPost {
		req.Body = io.NopCloser(strings.NewReader(payload))
		req.ContentLength = int64(len(payload))
	}
	return req
}

// verdict is what became of a request.
type verdict struct {
	kind    string // of the failure; empty is success
	err     error
	process string // that it went to, as far as known
	version string // that answered
}

func (l *load) judge(answer reply, d *drop) verdict {
	if d != nil {
		to := l.balancer.routeOf(d.local)
		d.cause = cmp.Or(to.refused, d.cause)
		return verdict{kind: d.kind(), err: d.err, process: to.process}
	}
	v := verdict{
		process: cmp.Or(answer.header.Get(headerProcess), l.balancer.routeOf(answer.local).process),
		version: answer.header.Get("X-Version"),
	}
	if why := answer.header.Get(headerDrop); why != "" {
		v.kind = "bad gateway: " + why
	} else if answer.status >= 400 {
		v.kind = fmt.Sprintf("status %d", answer.status)
	}
	return v
}
