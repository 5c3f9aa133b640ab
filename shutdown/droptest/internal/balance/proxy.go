package balance

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/handover-go/handover/shutdown/droptest/internal/once"
)

// serveProxy gives each request to the next endpoint and tries once.
func (b *Balancer) serveProxy(ctx context.Context, ln net.Listener) {
	var connections sync.WaitGroup
	srv := &http.Server{
		Handler:     http.HandlerFunc(b.proxy),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
			case http.StateClosed:
				connections.Done()
			}
		},
	}
	defer connections.Wait() // Close does not wait for the handlers
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	_ = srv.Serve(ln)
}

// proxy buffers both bodies, as nginx does: so a response that is cut becomes
// a 502 with its reason, and a request body never fails in the middle.
func (b *Balancer) proxy(w http.ResponseWriter, r *http.Request) {
	e := b.rotation.Next()
	if e == nil {
		badGateway(w, noEndpoint)
		return
	}
	w.Header().Set(headerProcess, e.Name)
	req, err := outgoing(r, e.API)
	if err != nil {
		badGateway(w, "client: "+once.CauseOf(err))
		return
	}
	answer, drop := e.pool.Exchange(r.Context(), req)
	if drop != nil {
		badGateway(w, drop.Phase+" "+drop.Cause)
		return
	}
	copyHeader(w.Header(), answer.Header)
	w.Header().Set("Content-Length", strconv.Itoa(len(answer.Body)))
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body)
}

func badGateway(w http.ResponseWriter, why string) {
	w.Header().Set(headerDrop, why)
	http.Error(w, "bad gateway: "+why, http.StatusBadGateway)
}

func outgoing(r *http.Request, address string) (*http.Request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+address+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	copyHeader(req.Header, r.Header)
	req.Host = r.Host
	return req, nil
}

// copyHeader leaves out what speaks of one connection only (RFC 9110, 7.6.1).
func copyHeader(to, from http.Header) {
	maps.Copy(to, from)
	for _, name := range []string{
		"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	} {
		to.Del(name)
	}
}
