package shutdown_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pipenet"
	"github.com/handover-go/handover/shutdown"
)

// noLinger is for tests in which nothing but the drain is of interest.
var noLinger = shutdown.Config{LingerMax: -1}

// blocking answers when it is released, and says when it has been entered.
type blocking struct{ entered, release chan struct{} }

func newBlocking() blocking {
	return blocking{entered: make(chan struct{}, 100), release: make(chan struct{})}
}

func (b blocking) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	b.entered <- struct{}{}
	<-b.release
	_, _ = io.WriteString(w, "done")
}

func (s *running) shutdownInBackground() <-chan error {
	done := make(chan error, 1)
	ctx := context.WithoutCancel(s.t.Context())
	go func() { done <- s.Shutdown(ctx) }()
	return done
}

func TestARequestBegunBeforeTheStopIsAnsweredAndAnnouncesTheEnd(t *testing.T) {
	slow := newBlocking()
	s := loopback(t, slow, noLinger)
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	<-slow.entered

	done := s.shutdownInBackground()
	requireRefused(t, s) // the listener closes while the request is in flight
	close(slow.release)
	require.Equal(t, "200 done, close", c.answer())
	c.gone()
	require.NoError(t, <-done)
	require.NoError(t, <-s.served)
}

// net/http answers such a request with EOF: golang/go#75591.
func TestAHalfReadRequestIsAnswered(t *testing.T) {
	s := loopback(t, http.HandlerFunc(hello), noLinger)
	c := s.dial()
	require.Equal(t, "200 hello", c.get("/"))
	c.send("GET / HTTP/1.1\r\nHo")

	done := s.shutdownInBackground()
	requireRefused(t, s)
	c.send("st: test\r\n\r\n")
	require.Equal(t, "200 hello, close", c.answer())
	c.gone()
	require.NoError(t, <-done)
	require.NoError(t, <-s.served)
}

func requireRefused(t *testing.T, s *running) {
	t.Helper()
	require.Eventually(t, func() bool {
		probe, err := net.Dial("tcp", s.Addr().String())
		if err == nil {
			_ = probe.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond)
}

// net/http waits for such connections 5 to 6.3 s: golang/go#22682.
func TestAConnectionThatNeverSpeaksDoesNotHoldTheStop(t *testing.T) {
	s := loopback(t, http.HandlerFunc(hello), noLinger)
	c := s.dial()
	require.NoError(t, s.Shutdown(t.Context()))
	c.gone()
	require.Less(t, s.Report().Ended, 3*time.Second)
	require.NoError(t, <-s.served)
}

func TestWhatIsInFlightAtTheDeadlineIsCutAndNamed(t *testing.T) {
	slow := newBlocking()
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", slow)
	s := loopback(t, mux, noLinger)
	c := s.dial()
	c.send("GET /orders/secret HTTP/1.1\r\nHost: test\r\n\r\n")
	<-slow.entered

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := s.Shutdown(ctx)
	var cut *shutdown.CutError
	require.ErrorAs(t, err, &cut)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Regexp(t, `^shutdown: cut 1 in flight: GET /orders/{id} after \d+(\.\d+)?m?s: context deadline exceeded$`, err.Error())
	require.Len(t, cut.Cut, 1)
	require.Contains(t, cut.Cut[0].Stack, "blocking.ServeHTTP")
	require.Equal(t, cut.Cut, s.Report().Cut)
	c.gone()
	close(slow.release)
	require.NoError(t, <-s.served)
}

func TestAHijackedConnectionIsWaitedFor(t *testing.T) {
	hijacked := make(chan net.Conn, 1)
	s := loopback(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			hijacked <- c
		}
	}), noLinger)
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	ours := <-hijacked

	done := s.shutdownInBackground()
	requireRefused(t, s)
	_, err := io.WriteString(ours, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast")
	require.NoError(t, err)
	require.Equal(t, "200 last", c.answer())
	require.Empty(t, done, "Shutdown did not wait for the hijacked connection")
	require.NoError(t, ours.Close())
	c.gone()
	require.NoError(t, <-done)
	require.NoError(t, <-s.served)
}

func TestAHijackedConnectionIsCutAndNamedAtTheDeadline(t *testing.T) {
	hijacked := make(chan net.Conn, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("/chat/{room}", func(w http.ResponseWriter, _ *http.Request) {
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			hijacked <- c
		}
	})
	s := loopback(t, mux, noLinger)
	c := s.dial()
	c.send("GET /chat/7 HTTP/1.1\r\nHost: test\r\n\r\n")
	<-hijacked
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, s.Shutdown(ctx), "GET /chat/{room} (hijacked) after")
	c.gone()
	require.NoError(t, <-s.served)
}

// Handlers and middleware change their requests; the cut must not look at them.
func TestARequestThatItsHandlerChangesIsNamedAsItCame(t *testing.T) {
	release, changing := make(chan struct{}), make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(_ http.ResponseWriter, r *http.Request) {
		close(changing)
		for {
			select {
			case <-release:
				return
			default:
				r.Method, r.Host, r.URL.Path = "OVERRIDDEN", "elsewhere", "/secret"
			}
		}
	})
	s := loopback(t, mux, noLinger)
	c := s.dial()
	c.send("GET /orders/7 HTTP/1.1\r\nHost: test\r\n\r\n")
	<-changing
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, s.Shutdown(ctx), "GET /orders/{id} after")
	close(release)
	c.gone()
	require.NoError(t, <-s.served)
}

func TestARequestWithAVeryLongPathIsNamedByItsMethod(t *testing.T) {
	slow := newBlocking()
	mux := http.NewServeMux()
	mux.Handle("POST /", slow)
	s := loopback(t, mux, noLinger)
	c := s.dial()
	c.send("POST /" + strings.Repeat("long", 100) + " HTTP/1.1\r\nHost: test\r\n\r\n")
	<-slow.entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, s.Shutdown(ctx), "in flight: POST after")
	close(slow.release)
	c.gone()
	require.NoError(t, <-s.served)
}

// ofItsOwn is a mux that looks at more of a request than its name.
type ofItsOwn struct{ next http.Handler }

func (o ofItsOwn) ServeHTTP(w http.ResponseWriter, r *http.Request) { o.next.ServeHTTP(w, r) }

func (ofItsOwn) Handler(r *http.Request) (http.Handler, string) { return nil, r.TLS.ServerName }

func TestAMuxThatPanicsCostsARequestItsPattern(t *testing.T) {
	slow := newBlocking()
	s := loopback(t, ofItsOwn{slow}, noLinger)
	c := s.dial()
	c.send("GET /secret HTTP/1.1\r\nHost: test\r\n\r\n")
	<-slow.entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, s.Shutdown(ctx), "in flight: GET after")
	close(slow.release)
	c.gone()
	require.NoError(t, <-s.served)
}

// NetConn is for those who need the connection's own type; some close it, too.
func TestAHijackedConnectionThatWasClosedBehindOurBackIsNotWaitedFor(t *testing.T) {
	s := loopback(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = c.(interface{ NetConn() net.Conn }).NetConn().Close()
		}
	}), noLinger)
	for range 10 {
		c := s.dial()
		c.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
		c.gone()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	require.NoError(t, s.Shutdown(ctx))
	require.NoError(t, <-s.served)
}

func TestAServerWhoseListenerKnowsNoDeadlinesDrainsWhatIsInFlight(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	slow := newBlocking()
	s := serve(t, &http.Server{Handler: slow}, shutdown.Config{Listener: struct{ net.Listener }{l}, LingerMax: -1})
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	<-slow.entered
	done := s.shutdownInBackground()
	requireRefused(t, s)
	close(slow.release)
	require.Equal(t, "200 done, close", c.answer())
	c.gone()
	require.NoError(t, <-done)
	require.NoError(t, <-s.served)
}

func TestStopsThatAreLegalInEveryOrder(t *testing.T) {
	for name, stop := range map[string]func(t *testing.T, s *shutdown.Server){
		"shutdown before listen": func(t *testing.T, s *shutdown.Server) {
			require.NoError(t, s.Shutdown(t.Context()))
			require.EqualError(t, s.Listen(t.Context()), "shutdown: listen 127.0.0.1:0: already stopped")
		},
		"shutdown between listen and serve": func(t *testing.T, s *shutdown.Server) {
			require.NoError(t, s.Listen(t.Context()))
			require.NoError(t, s.Shutdown(t.Context()))
			require.NoError(t, s.Serve(t.Context()))
		},
		"close after shutdown": func(t *testing.T, s *shutdown.Server) {
			require.NoError(t, s.Shutdown(t.Context()))
			require.NoError(t, s.Close(t.Context()))
		},
		"serve without listen": func(t *testing.T, s *shutdown.Server) {
			require.EqualError(t, s.Serve(t.Context()), "shutdown: serve 127.0.0.1:0: call Listen first")
		},
		"listen twice": func(t *testing.T, s *shutdown.Server) {
			require.NoError(t, s.Listen(t.Context()))
			require.EqualError(t, s.Listen(t.Context()), "shutdown: listen 127.0.0.1:0: Listen was called before")
			require.NoError(t, s.Close(t.Context()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			stop(t, shutdown.HTTP(&http.Server{Addr: "127.0.0.1:0"}, shutdown.Config{}))
		})
	}
}

func TestAnOccupiedPortIsAnErrorOfListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	s := shutdown.HTTP(&http.Server{Addr: taken.Addr().String()}, shutdown.Config{})
	require.EqualError(t, s.Listen(t.Context()),
		"shutdown: listen tcp "+taken.Addr().String()+": bind: address already in use")
}

func TestNoServerIsAnErrorOfListen(t *testing.T) {
	s := shutdown.HTTP(nil, shutdown.Config{})
	require.ErrorContains(t, s.Listen(t.Context()), "HTTP was given a nil http.Server")
	require.Error(t, s.Serve(t.Context()))
	require.NoError(t, s.Shutdown(t.Context()))
}

func TestTLSWithoutACertificateIsAnErrorOfListen(t *testing.T) {
	s := shutdown.HTTP(&http.Server{Addr: "127.0.0.1:0", TLSConfig: &tls.Config{}}, shutdown.Config{})
	require.ErrorContains(t, s.Listen(t.Context()), "TLSConfig has no certificate: set Certificates")
}

func TestServeEndsWithItsContextAndCutsEverything(t *testing.T) {
	slow := newBlocking()
	s := shutdown.HTTP(&http.Server{Addr: "127.0.0.1:0", Handler: slow}, noLinger)
	require.NoError(t, s.Listen(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	c, err := net.Dial("tcp", s.Addr().String())
	require.NoError(t, err)
	_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	require.NoError(t, err)
	<-slow.entered

	cancel()
	require.ErrorIs(t, <-served, context.Canceled)
	_, err = io.ReadAll(c)
	require.NoError(t, err) // EOF
	require.NoError(t, c.Close())
	close(slow.release)
	require.NoError(t, s.Shutdown(t.Context()))
}

// A multiplexer's listener, say, which knows no deadlines and has its own error.
type itsOwn struct{ net.Listener }

func (l itsOwn) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, errors.New("mux: listener closed")
	}
	return c, nil
}

func TestServeWaitsForTheDrainWhateverTheListenerSays(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	slow := newBlocking()
	s := serve(t, &http.Server{Handler: slow}, shutdown.Config{Listener: itsOwn{l}, LingerMax: -1})
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	<-slow.entered
	done := s.shutdownInBackground()
	requireRefused(t, s)
	require.Empty(t, s.served)
	close(slow.release)
	require.Equal(t, "200 done, close", c.answer())
	c.gone()
	require.NoError(t, <-done)
	require.NoError(t, <-s.served)
}

func TestAServerWhoseServeHasEndedDoesNotLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipenet.Listen(1)
		s := shutdown.HTTP(&http.Server{Handler: http.HandlerFunc(hello)}, shutdown.Config{Listener: l})
		require.NoError(t, s.Listen(t.Context()))
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		served := make(chan error, 1)
		go func() { served <- s.Serve(ctx) }()
		c, err := l.Dial(ctx)
		require.NoError(t, err)
		require.Equal(t, "200 hello", newClient(t, c).get("/"))
		cancel()
		require.ErrorIs(t, <-served, context.Canceled)
		began := time.Now()
		require.NoError(t, s.Shutdown(context.WithoutCancel(t.Context())))
		require.Zero(t, time.Since(began).Round(100*time.Millisecond))
		require.NoError(t, c.Close())
	})
}
