package front

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Lost is the header of an answer that the proxy had to make itself, with the reason.
const Lost = "X-Lost"

// Proxy is the carrier that is in this program.
type Proxy struct {
	watch    *Watch
	rotation *rotation
	work     sync.WaitGroup
}

// NewProxy returns one that does nothing yet.
func NewProxy(w *Watch) *Proxy { return &Proxy{watch: w, rotation: newRotation()} }

// Start serves on ln until ctx ends.
func (p *Proxy) Start(ctx context.Context, ln net.Listener) {
	srv := &http.Server{Handler: http.HandlerFunc(p.serve), BaseContext: func(net.Listener) context.Context { return ctx }}
	p.work.Go(func() {
		defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
		_ = srv.Serve(ln)
	})
}

// Apply is in force when it returns.
func (p *Proxy) Apply(_ context.Context, s State) error {
	p.rotation.set(s)
	return nil
}

// Wait is for what Start has begun.
func (p *Proxy) Wait() {
	p.work.Wait()
	p.rotation.close()
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	e, state := p.rotation.next()
	if e == nil {
		lose(w, "no endpoint")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		lose(w, "client: "+err.Error())
		return
	}
	answer, err := p.askWithSpare(e, state, r, body)
	if err != nil {
		lose(w, cause(err))
		return
	}
	defer func() { _ = answer.Body.Close() }()
	pass(w, answer)
}

// askWithSpare asks the spare version for what another has not answered.
func (p *Proxy) askWithSpare(e *endpoint, state State, r *http.Request, body []byte) (*http.Response, error) {
	answer, err := p.ask(e, r, body)
	if !bad(answer, err) || state.Spare == "" || state.Spare == e.Version || r.Method != http.MethodGet {
		return answer, err
	}
	other := p.rotation.another(state.Spare)
	if other == nil {
		return answer, err
	}
	if err == nil {
		_ = answer.Body.Close()
	}
	p.watch.Spare()
	return p.ask(other, r, body)
}

func bad(answer *http.Response, err error) bool {
	return err != nil || answer.StatusCode >= http.StatusInternalServerError
}

// ask sends a request once.
func (p *Proxy) ask(e *endpoint, r *http.Request, body []byte) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", e.API
	out.Header.Del("Connection")
	out.Close = false
	Once(out, string(body))
	began := time.Now()
	answer, err := e.kept.RoundTrip(out)
	if r.Context().Err() == nil {
		p.watch.Seen(e.Version, time.Since(began), bad(answer, err))
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
