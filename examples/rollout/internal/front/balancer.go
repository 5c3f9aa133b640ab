package front

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Lost is the header of an answer that the balancer had to make itself, with the reason.
const Lost = "X-Lost"

// Config is what a balancer is told. The zero value is valid.
type Config struct {
	// Lag is from a change until it is in force. Default none.
	Lag time.Duration

	// Seen is told of each answer of a process, a stream's when it begins; failed is one
	// that is missing, or 500 and above. Default nobody is.
	Seen func(version string, took time.Duration, failed bool)
}

// Balancer is a proxy. Its methods may be called at the same time.
type Balancer struct {
	cfg      Config
	rotation *rotation
	spared   atomic.Int64
	work     sync.WaitGroup

	mu  sync.Mutex
	all []*endpoint
}

// New returns a balancer that does nothing yet.
func New(cfg Config) *Balancer {
	if cfg.Seen == nil {
		cfg.Seen = func(string, time.Duration, bool) {}
	}
	return &Balancer{cfg: cfg, rotation: newRotation(cfg.Lag)}
}

// Start serves on ln until ctx ends.
func (b *Balancer) Start(ctx context.Context, ln net.Listener) {
	srv := &http.Server{Handler: http.HandlerFunc(b.serve), BaseContext: func(net.Listener) context.Context { return ctx }}
	b.work.Go(func() {
		defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
		_ = srv.Serve(ln)
	})
}

// Add puts a process that is ready into rotation, at once.
func (b *Balancer) Add(t Target) {
	e := &endpoint{t, &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true}}
	b.mu.Lock()
	b.all = append(b.all, e)
	b.mu.Unlock()
	b.rotation.add(e)
}

// Leave takes processes out of rotation, Lag later. What they have begun they finish.
func (b *Balancer) Leave(names ...string) { b.rotation.leave(names) }

// Weigh gives each version its share, Lag later; nil gives each process the same. What
// another version has failed to answer, spare may, unless it is empty.
func (b *Balancer) Weigh(weights map[string]int, spare string) { b.rotation.weigh(weights, spare) }

// Spared is how many answers a spare has given in place of another version.
func (b *Balancer) Spared() int { return int(b.spared.Load()) }

// Wait is for what Start has begun, when ctx has ended and nobody sends any more.
func (b *Balancer) Wait() {
	b.rotation.stop()
	b.work.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.all {
		e.kept.CloseIdleConnections()
	}
}

func (b *Balancer) serve(w http.ResponseWriter, r *http.Request) {
	e, spare := b.rotation.next()
	if e == nil {
		lose(w, "no endpoint")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		lose(w, "client: "+err.Error())
		return
	}
	answer, err := b.askWithSpare(e, spare, r, body)
	if err != nil {
		lose(w, cause(err))
		return
	}
	defer func() { _ = answer.Body.Close() }()
	pass(w, answer)
}

// askWithSpare asks the spare version for what another has not answered.
func (b *Balancer) askWithSpare(e *endpoint, spare string, r *http.Request, body []byte) (*http.Response, error) {
	answer, err := b.ask(e, r, body)
	if !bad(answer, err) || spare == "" || spare == e.Version || r.Method != http.MethodGet {
		return answer, err
	}
	other := b.rotation.another(spare)
	if other == nil {
		return answer, err
	}
	if err == nil {
		_ = answer.Body.Close()
	}
	b.spared.Add(1)
	return b.ask(other, r, body)
}

func bad(answer *http.Response, err error) bool {
	return err != nil || answer.StatusCode >= http.StatusInternalServerError
}

// ask sends a request once.
func (b *Balancer) ask(e *endpoint, r *http.Request, body []byte) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", e.API
	out.Header.Del("Connection")
	out.Close = false
	Once(out, string(body))
	began := time.Now()
	answer, err := e.kept.RoundTrip(out)
	if r.Context().Err() == nil {
		b.cfg.Seen(e.Version, time.Since(began), bad(answer, err))
	}
	return answer, err
}

// Once gives a request a body that net/http cannot rewind, were it empty: else it would
// send a GET again whose kept connection turns out to be closed, and hide the loss.
func Once(r *http.Request, body string) {
	r.Body, r.GetBody, r.ContentLength = io.NopCloser(strings.NewReader(body)), nil, -1
	if body != "" {
		r.ContentLength = int64(len(body))
	}
}

// pass gives an answer to the client as it comes. One that is cut is cut here as well.
func pass(w http.ResponseWriter, answer *http.Response) {
	for name, values := range answer.Header {
		if name != "Connection" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.StatusCode)
	flush := http.NewResponseController(w).Flush
	part := make([]byte, 16<<10)
	for {
		n, err := answer.Body.Read(part)
		if _, gone := w.Write(part[:n]); gone != nil || errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		_ = flush() // of a client that has gone the next Write knows
	}
}

func lose(w http.ResponseWriter, why string) {
	w.Header().Set(Lost, why)
	http.Error(w, "bad gateway: "+why, http.StatusBadGateway)
}

// cause is an error of a connection in a word.
func cause(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "eof"
	}
	return "other"
}
