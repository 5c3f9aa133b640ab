package droptest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// What the proxy adds to its responses.
const (
	headerProcess = "X-Droptest-Process" // which process was asked
	headerDrop    = "X-Droptest-Drop"    // why it is a 502
)

// serveProxy gives each request to the next endpoint and tries once.
func (b *balancer) serveProxy(ctx context.Context, ln net.Listener) {
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
func (b *balancer) proxy(w http.ResponseWriter, r *http.Request) {
	e := b.next()
	if e == nil {
		badGateway(w, causeOf(errNoEndpoint))
		return
	}
	w.Header().Set(headerProcess, e.name)
	req, err := outgoing(r, e.addresses.API)
	if err != nil {
		badGateway(w, "client: "+causeOf(err))
		return
	}
	answer, drop := e.pool.exchange(r.Context(), req)
	if drop != nil {
		badGateway(w, drop.phase+" "+drop.cause)
		return
	}
	copyHeader(w.Header(), answer.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(answer.body)))
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body)
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
