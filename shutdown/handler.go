package shutdown

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/handover-go/handover/shutdown/internal/h2"
	"github.com/handover-go/handover/shutdown/internal/traffic"
)

// wrap puts the tracking around the http.Server's own hooks, which go on to
// work.
func (s *Server) wrap() {
	s.next = s.http.Handler
	if s.next == nil {
		s.next = http.DefaultServeMux
	}
	s.http.Handler = handler{s}

	connState := s.http.ConnState
	s.http.ConnState = func(c net.Conn, state http.ConnState) {
		s.traffic.Changed(c, state)
		if connState != nil {
			connState(h2.Below(c), state)
		}
	}
	connContext := s.http.ConnContext
	s.http.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		ctx = s.traffic.Context(ctx, c)
		if connContext != nil {
			return connContext(ctx, c)
		}
		return ctx
	}
	baseContext := s.http.BaseContext
	s.http.BaseContext = func(l net.Listener) context.Context {
		s.wrapProtocols() // net/http has set up HTTP/2 and serves nothing yet
		if baseContext == nil {
			return context.Background()
		}
		base := baseContext(l)
		if base != nil {
			s.mu.Lock()
			s.baseEnded = base.Err
			s.mu.Unlock()
		}
		return base
	}
}

// wrapProtocols makes HTTP/2 followed. Whatever else a client may choose in its
// handshake is busy until it closes.
func (s *Server) wrapProtocols() {
	followed := h2.Hook(s.http, s.traffic.Follow)
	for name, serve := range s.http.TLSNextProto {
		if followed && (name == "h2" || name == "unencrypted_http2") {
			continue
		}
		s.http.TLSNextProto[name] = func(srv *http.Server, c *tls.Conn, h http.Handler) {
			s.traffic.Changed(c, http.StateActive)
			serve(srv, c, h)
		}
	}
}

type handler struct{ server *Server }

// ServeHTTP costs a request one allocation, of 32 bytes in HTTP/1 and of 144 in
// HTTP/2. The response is not reused: a handler that keeps it for too long must find
// its own, ended one, and not somebody else's.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := h.server
	if r.ProtoMajor >= 2 && !isPreface(r) {
		s.stream(w, r)
		return
	}
	s.traffic.Begin(r)
	response := &response1{response{ResponseWriter: w, server: s}}
	s.handler(r).ServeHTTP(response, r)
	response.announce(http.StatusOK)
}

// isPreface tells the first line of HTTP/2 on a connection that speaks HTTP/1: a
// handler that knows it, golang.org/x/net/http2/h2c, hijacks the connection, older
// versions by http.Hijacker.
func isPreface(r *http.Request) bool { return r.Method == "PRI" && r.URL.Path == "*" }

// stream answers a request of HTTP/2, whose writer can neither be hijacked nor send
// files.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	response := &response2{response: response{ResponseWriter: w, server: s}}
	s.traffic.BeginStream(&response.stream, r)
	defer response.stream.End() // a handler may panic
	response.http2 = response.stream.Followed()
	response.stream.Serve(s.handler(r), &response.response, r)
	response.announce(http.StatusOK)
}

// handler is the application's, or that for requests which come too late.
func (s *Server) handler(r *http.Request) http.Handler {
	if s.late.Load() && !s.cfg.IsProbe(r) && r.URL.Path != "/metrics" {
		return late{s}
	}
	return s.next
}

// late answers a request that might not finish any more. The client is told when
// to come back, which by then is to somebody else.
type late struct{ server *Server }

func (l late) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	l.server.refused.Add(1)
	wait := max(l.server.cfg.RetryAfter, time.Second)
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	http.Error(w, "503 Service Unavailable: this instance is shutting down", http.StatusServiceUnavailable)
}

// response announces the end of the connection in the last moment in which a
// header can be set, so that requests begun before the drain announce it too.
// (Between the header and the end of a response nothing can be announced.)
type response struct {
	http.ResponseWriter
	server    *Server
	announced bool
	http2     bool // and its connection is told by frames
}

func (w *response) announce(status int) {
	if w.announced || (status < 200 && status != http.StatusSwitchingProtocols) {
		return // 1xx are followed by the real header
	}
	w.announced = true
	if !w.server.traffic.Draining() {
		return
	}
	if w.server.cfg.Envoy {
		w.Header().Set("X-Envoy-Immediate-Health-Check-Fail", "true")
	}
	// "close" in a 101 would undo the upgrade. In HTTP/2 net/http turns the
	// header into its single GOAWAY, which is for connections that have not been
	// sent ours.
	if status != http.StatusSwitchingProtocols && !w.http2 {
		w.Header().Set("Connection", "close")
	}
}

func (w *response) WriteHeader(status int) {
	w.announce(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	w.announce(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

func (w *response) WriteString(s string) (int, error) {
	w.announce(http.StatusOK)
	return io.WriteString(w.ResponseWriter, s)
}

// FlushError is what http.ResponseController asks for.
func (w *response) FlushError() error {
	w.announce(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *response) Flush() { _ = w.FlushError() } // http.Flusher has no error

// CloseNotify is deprecated, but gin's Stream and many wrappers assert it without asking.
func (w *response) CloseNotify() <-chan bool {
	return w.ResponseWriter.(http.CloseNotifier).CloseNotify() //nolint:staticcheck // see above
}

// Unwrap gives http.ResponseController the deadlines and full duplex.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// response2 is what the handler sees, and what is known of its stream.
type response2 struct {
	response
	stream traffic.Stream
}

// response1 adds what the writer of HTTP/1 can do besides.
type response1 struct{ response }

func (w *response1) ReadFrom(r io.Reader) (int64, error) {
	w.announce(http.StatusOK)
	return io.Copy(w.ResponseWriter, r)
}

// Hijack is for handlers that ask for http.Hijacker. The connection stays in the
// table until the application closes it.
func (w *response1) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}
