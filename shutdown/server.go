package shutdown

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/shutdown/internal/traffic"
)

// ErrStopped is returned by Listen, by Tracker.Begin, and by Put of package worker, after
// Shutdown or Close. errors.Is tells it.
var ErrStopped = errors.New("already stopped")

// Server is an http.Server that can be stopped without losing a request. Its
// methods are safe for concurrent use, and have the form in which components
// are written: Start: s.Listen, Run: s.Serve, Stop: s.Shutdown.
type Server struct {
	http    *http.Server
	rpc     rpcServer // serves instead, if not nil
	mistake error     // in the arguments of HTTP or GRPC; Listen returns it
	next    http.Handler
	cfg     Config

	traffic *traffic.Table
	late    atomic.Bool  // what comes now would not finish: it is refused
	refused atomic.Int64 // so many times

	mu        sync.Mutex
	listener  *traffic.Listener
	serving   bool
	baseEnded func() error // of the http.Server's BaseContext
	report    Report

	stopOnce sync.Once
	stopping chan struct{} // Shutdown or Close has been called
	stopped  chan struct{} // and has finished
	stopErr  error         // readable once stopped is closed
}

// HTTP makes a Server of srv, which belongs to it from now on: Listen wraps its
// Handler, ConnState and ConnContext. A TLSConfig with certificates makes it
// serve TLS.
//
// Handlers find in their ResponseWriter what net/http's offers, but for two things
// that cannot be had from outside: http.MaxBytesReader does not close the
// connection of a body that is too large, and HTTP/2 has no http.Pusher. Hooks and
// hijackers get a net.Conn whose own type is behind its method NetConn.
//
// Functions of RegisterOnShutdown run once, when the listener is closed and nothing
// but hijacked connections is left, which they may tell to end. Requests that last
// put that off until half of the time has passed.
func HTTP(srv *http.Server, cfg Config) *Server {
	var mistake error
	if srv == nil {
		srv, mistake = new(http.Server), errors.New("shutdown: listen: HTTP was given a nil http.Server: give it one with an Addr and a Handler")
	}
	return newServer(srv, mistake, cfg)
}

func newServer(srv *http.Server, mistake error, cfg Config) *Server {
	cfg.LingerMin = cmp.Or(cfg.LingerMin, 500*time.Millisecond)
	cfg.LingerMax = cmp.Or(cfg.LingerMax, 5*time.Second)
	if cfg.IsProbe == nil {
		cfg.IsProbe = isProbe
	}
	return &Server{
		http:     srv,
		mistake:  mistake,
		cfg:      cfg,
		traffic:  traffic.New(cfg.IsProbe),
		stopping: make(chan struct{}),
		stopped:  make(chan struct{}),
	}
}

// Listen opens the address of the http.Server (":http" or ":https" if it is
// empty, as there). An address that is taken is an error here, not later in
// Serve. The kernel queues connections from now on; Serve answers them.
func (s *Server) Listen(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.mistake != nil:
		return s.mistake
	case s.isStopping():
		return fmt.Errorf("shutdown: listen %s: %w", s.http.Addr, ErrStopped)
	case s.listener != nil:
		return fmt.Errorf("shutdown: listen %s: Listen was called before", s.http.Addr)
	case !hasCertificate(s.http.TLSConfig):
		return fmt.Errorf("shutdown: listen %s: TLSConfig has no certificate: set Certificates, GetCertificate or GetConfigForClient, or leave it nil (http2.ConfigureServer does not)", s.http.Addr)
	}
	l := s.cfg.Listener
	if l == nil {
		var err error
		if l, err = s.listen(ctx); err != nil {
			return fmt.Errorf("shutdown: %w", err) // says "listen tcp addr: cause" itself
		}
	}
	if s.rpc != nil {
		s.listener = s.traffic.FrameListener(l)
	} else {
		s.listener = s.traffic.Listener(l)
		s.wrap()
	}
	s.logger().InfoContext(ctx, "listening", "addr", l.Addr().String())
	return nil
}

// hasCertificate asks here what net/http would ask only in Serve.
func hasCertificate(c *tls.Config) bool {
	return c == nil || len(c.Certificates) > 0 || c.GetCertificate != nil || c.GetConfigForClient != nil
}

func (s *Server) listen(ctx context.Context) (net.Listener, error) {
	addr := s.http.Addr
	if addr == "" {
		addr = ":http"
		if s.http.TLSConfig != nil {
			addr = ":https"
		}
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", addr)
}

// Addr is the address that Listen has opened, with the real port where ":0" was
// asked for; nil before.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Serve answers requests. It returns nil when Shutdown or Close has finished,
// not when it begins: a main that returns after Serve cuts nothing. A server
// that was stopped before has nothing to serve, which is no error. Serve returns
// early with the listener's error, or, when ctx ends, with ctx's after all
// connections have been cut.
func (s *Server) Serve(ctx context.Context) error {
	l, err := s.startServing()
	if l == nil {
		return err
	}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { s.traffic.Run(background) })
	defer wg.Wait()
	defer cancel()

	unwatch := context.AfterFunc(ctx, func() {
		s.cutAll()
		_ = l.Close() // net/http has; gRPC goes on to accept
	})
	defer unwatch()
	err = s.serve(l)
	_ = l.Close() // it has been closed; ours tells the drain, too

	return s.served(ctx, l, err)
}

// served says how Serve has ended, and waits for a stop that is under way.
func (s *Server) served(ctx context.Context, l net.Listener, err error) error {
	if s.isStopping() && (err == nil || errors.Is(err, traffic.ErrDrained) || errors.Is(err, http.ErrServerClosed)) {
		select {
		case <-s.stopped:
			return nil
		case <-ctx.Done():
		}
	}
	select {
	case <-s.stopped: // before ctx ended, or as it did
		return nil
	default:
	}
	if ctx.Err() != nil {
		s.cutAll() // what AfterFunc has begun may not be finished
		s.haltRPC(ctx)
		err = ctx.Err()
	}
	if err == nil { // gRPC's Stop, called by somebody else
		return nil
	}
	return fmt.Errorf("shutdown: serve %s: %w", l.Addr(), err)
}

func (s *Server) serve(l net.Listener) error {
	switch {
	case s.rpc != nil:
		return s.rpc.Serve(l)
	case s.http.TLSConfig != nil:
		return s.http.ServeTLS(l, "", "")
	}
	return s.http.Serve(l)
}

func (s *Server) startServing() (*traffic.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.isStopping():
		return nil, nil
	case s.listener == nil:
		return nil, fmt.Errorf("shutdown: serve %s: call Listen first", s.http.Addr)
	case s.serving:
		return nil, fmt.Errorf("shutdown: serve %s: Serve was called before", s.listener.Addr())
	}
	s.serving = true
	return s.listener, nil
}

// cutAll ends everything at once, what was hijacked too. Sockets go first: TLS
// would say goodbye to one client after the other, and wait for each that does
// not read.
func (s *Server) cutAll() {
	s.traffic.CloseAll()
	_ = s.http.Close() // errors of closing what is being thrown away
}

func (s *Server) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

func (s *Server) logger() *slog.Logger { return cmp.Or(s.cfg.Logger, slog.Default()) }
