package load

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/handover-go/handover/shutdown/droptest/internal/once"
)

// Config is the load. All of it is needed, but a zero share or SlowEvery is none.
type Config struct {
	Host      string  // the requests' Host
	Rate      int     // requests per second
	NewShare  float64 // of requests that bring their own connection; the rest is half GET, half POST
	SlowEvery int     // one request in so many is for SlowPath
	Path      string  // has to be valid, as SlowPath has
	SlowPath  string
	Timeout   time.Duration // of one request
	Seed      uint64        // of the times and of the mix
}

// Load is a load that can be run once.
type Load struct {
	cfg    Config
	client *once.Client
	done   func(Request, once.Reply, *once.Drop)
	random *rand.Rand
}

// New returns a load that is sent by client. For each request done is told what
// became of it, on a goroutine of its own.
func New(cfg Config, client *once.Client, done func(Request, once.Reply, *once.Drop)) *Load {
	return &Load{cfg: cfg, client: client, done: done, random: rand.New(rand.NewPCG(cfg.Seed, 0))}
}

// Run sends until stop is closed or ctx ends, and returns when every request
// has its answer. When ctx ends, done is not told of those still without one.
func (l *Load) Run(ctx context.Context, stop <-chan struct{}) {
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
		r := l.pick()
		r.Due = due
		inFlight.Go(func() { l.send(ctx, r) })
	}
}

func (l *Load) pick() Request {
	r := Request{Method: http.MethodGet, Path: l.cfg.Path}
	switch draw := l.random.Float64(); {
	case draw < l.cfg.NewShare:
		r.Fresh = true
	case draw < (1+l.cfg.NewShare)/2:
		r.Method = http.MethodPost
	}
	if l.cfg.SlowEvery > 0 && l.random.IntN(l.cfg.SlowEvery) == 0 {
		r.Path, r.Slow = l.cfg.SlowPath, true
	}
	return r
}

// send sends one request, once.
func (l *Load) send(ctx context.Context, r Request) {
	timed, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	answer, drop := l.client.Exchange(timed, r.http(l.cfg.Host))
	if ctx.Err() == nil {
		l.done(r, answer, drop)
	}
}
