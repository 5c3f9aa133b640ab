package shutdown_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
)

// framed is a server that reads HTTP/2 from the listener's connections itself, as
// a grpc.Server does; the real one is met in interop/torture. Its graceful stop is
// net/http's, which drops streams: here it must find none.
type framed struct {
	*http.Server
	graceful, stopped atomic.Int64
}

func newFramed(h http.Handler) *framed {
	f := &framed{Server: &http.Server{Handler: h, Protocols: new(http.Protocols)}}
	f.Protocols.SetUnencryptedHTTP2(true)
	return f
}

func (f *framed) GracefulStop() { f.graceful.Add(1); _ = f.Shutdown(context.Background()) }
func (f *framed) Stop()         { f.stopped.Add(1); _ = f.Close() }

func serveGRPC(t *testing.T, server *framed, cfg shutdown.Config) *running {
	t.Helper()
	r := &running{Server: shutdown.GRPC(server, "127.0.0.1:0", cfg), t: t, served: make(chan error, 1)}
	require.NoError(t, r.Listen(t.Context()))
	ctx := context.WithoutCancel(t.Context())
	go func() { r.served <- r.Serve(ctx) }()
	return r
}

// GracefulStop closes the listener at once, and whoever a balancer still sends is
// refused. Here clients are told, come back, and are served.
func TestACallIsServedThoughTheBalancerStillSendsHere(t *testing.T) {
	book := &ledger{times: make(map[string]int)}
	servers := []*framed{newFramed(book), newFramed(book)}
	cfg := shutdown.Config{LingerMax: time.Second}
	old := serveGRPC(t, servers[0], cfg)
	next := serveGRPC(t, servers[1], cfg)
	var now atomic.Pointer[running]
	now.Store(old)
	client := http2Client(t, false, func() string { return now.Load().Addr().String() })
	ctx, cancel := context.WithCancel(t.Context())
	var sent atomic.Int64
	var clients sync.WaitGroup
	for range 5 {
		clients.Go(func() {
			for ctx.Err() == nil {
				text := strconv.FormatInt(sent.Add(1), 10)
				if err := post(client, "http://test", text, false); err != nil || book.executed(text) != 1 {
					t.Errorf("call %s was executed %d times: %v", text, book.executed(text), err)
				}
			}
		})
	}
	require.Eventually(t, func() bool { return sent.Load() > 100 }, 10*time.Second, time.Millisecond)
	done := old.shutdownInBackground()
	before := sent.Load()
	require.Eventually(t, func() bool { return sent.Load() > before+100 }, 10*time.Second, time.Millisecond)
	require.Empty(t, done, "somebody still connects")
	now.Store(next) // the balancer has learned of it
	require.NoError(t, <-done)
	require.NoError(t, <-old.served)
	cancel()
	clients.Wait()
	require.NoError(t, next.Close(context.WithoutCancel(t.Context())))
	require.NoError(t, <-next.served)
	require.Zero(t, servers[0].stopped.Load())
}

// Which of a connection's calls listened is not known, so it excuses none of them.
func TestAStreamThatDoesNotEndIsCutAtTheDeadline(t *testing.T) {
	for name, listens := range map[string]bool{"one that was told": true, "one that does not listen": false} {
		t.Run(name, func(t *testing.T) {
			var s *running
			var serving sync.WaitGroup
			serving.Add(1)
			slow := newBlocking()
			server := newFramed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				serving.Wait()
				if listens {
					s.Draining(r.Context().Value(remote{}).(net.Addr))
				}
				slow.ServeHTTP(w, r)
			})).withRemote()
			s = serveGRPC(t, server, shutdown.Config{LingerMax: -1})
			serving.Done()
			client := http2Client(t, false, func() string { return s.Addr().String() })
			answered := make(chan error, 1)
			go func() { answered <- post(client, "http://test", "never", false) }()
			<-slow.entered
			require.Equal(t, 1, s.Connections().Requests)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			require.ErrorContains(t, s.Shutdown(ctx), "shutdown: cut 1 in flight: gRPC calls of one connection after")
			require.Error(t, <-answered)
			require.NoError(t, <-s.served)
			require.Positive(t, server.stopped.Load())
			require.False(t, s.Report().Cut[0].Told)
			require.Equal(t, listens, s.Report().Told == 1)
			close(slow.release)
		})
	}
}

// Otherwise it would serve for ever who was accepted meanwhile.
func TestAGRPCServerIsStoppedWhateverTheTimeThatIsLeft(t *testing.T) {
	for name, stop := range map[string]func(s *running) error{
		"all of it": func(s *running) error { return s.Close(s.t.Context()) },
		"none from the beginning": func(s *running) error {
			ctx, cancel := context.WithCancel(s.t.Context())
			cancel()
			return s.Shutdown(ctx)
		},
		"none from the middle of the linger": func(s *running) error {
			ctx, cancel := context.WithCancel(s.t.Context())
			done := make(chan error, 1)
			go func() { done <- s.Shutdown(ctx) }()
			require.Eventually(s.t, func() bool { // it has begun
				return errors.Is(s.Listen(s.t.Context()), shutdown.ErrStopped)
			}, 5*time.Second, time.Millisecond)
			cancel()
			return <-done
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := newFramed(http.HandlerFunc(hello))
			s := serveGRPC(t, server, shutdown.Config{})
			client := http2Client(t, false, func() string { return s.Addr().String() })
			resp, err := client.Get("http://test") //nolint:noctx // ends with the server
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Eventually(t, func() bool { return s.Connections().Idle == 1 }, 5*time.Second, time.Millisecond)
			require.NoError(t, stop(s))
			require.NoError(t, <-s.served)
			require.Positive(t, server.graceful.Load(), "GracefulStop, with Stop beside it if it does not return")
			require.Zero(t, s.Connections())
		})
	}
}

func TestNobodyIsServedAfterAStopThatHadNoTime(t *testing.T) {
	s := serveGRPC(t, newFramed(http.HandlerFunc(hello)), shutdown.Config{})
	addr := s.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	came := make(chan net.Conn, 100)
	go func() {
		defer close(came)
		for {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				return
			}
			came <- c
		}
	}()
	first := <-came
	require.NoError(t, s.Shutdown(ctx))
	require.NoError(t, <-s.served)
	require.NoError(t, first.Close())
	for c := range came {
		_, _ = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00") // it may be reset
		require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
		n, err := c.Read(make([]byte, 1))
		require.Zero(t, n)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it is neither served nor closed")
		require.NoError(t, c.Close())
	}
}

func TestAConnectionThatIsNotHTTP2PassesAsItIs(t *testing.T) {
	s := shutdown.GRPC(echoes{make(chan struct{})}, "127.0.0.1:0", shutdown.Config{LingerMax: 300 * time.Millisecond})
	require.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	ctx := context.WithoutCancel(t.Context())
	go func() { served <- s.Serve(ctx) }()
	c, err := net.Dial("tcp", s.Addr().String())
	require.NoError(t, err)
	for _, text := range []string{"\x16\x03\x01 a handshake, say", "PRI * HTTP/2.0 but not quite"} {
		_, err = io.WriteString(c, text)
		require.NoError(t, err)
		got := make([]byte, len(text))
		_, err = io.ReadFull(c, got)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	require.NoError(t, s.Shutdown(ctx)) // GracefulStop closes it
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, <-served)
	require.GreaterOrEqual(t, s.Report().ListenerClosed, 300*time.Millisecond, "nobody could be told before")
}

// echoes answers bytes with themselves.
type echoes struct{ stopped chan struct{} }

func (e echoes) Serve(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() { <-e.stopped; _ = c.Close() }()
		go func() { _, _ = io.Copy(c, c) }()
	}
}

func (e echoes) GracefulStop() { close(e.stopped) }
func (e echoes) Stop()         {}

func TestNoGRPCServerIsAnErrorOfListen(t *testing.T) {
	s := shutdown.GRPC(nil, ":0", shutdown.Config{})
	require.ErrorContains(t, s.Listen(t.Context()), "GRPC was given a nil server")
	require.NoError(t, s.Shutdown(t.Context()))
}

// gRPC gives its handlers the connection's address, and nothing else of it.
func TestAStreamFindsItsConnectionByTheAddress(t *testing.T) {
	var s *running
	var serving sync.WaitGroup
	serving.Add(1)
	s = serveGRPC(t, newFramed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serving.Wait()
		_, _ = io.WriteString(w, "event;")
		w.(http.Flusher).Flush()
		<-s.Draining(r.Context().Value(remote{}).(net.Addr))
		_, _ = io.WriteString(w, "bye")
	})).withRemote(), shutdown.Config{LingerMax: -1})
	serving.Done()
	client := http2Client(t, false, func() string { return s.Addr().String() })
	resp, err := client.Get("http://test") //nolint:noctx // ends with the server
	require.NoError(t, err)
	require.NoError(t, s.Shutdown(t.Context()))
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "event;bye", string(text))
	require.NoError(t, <-s.served)
	require.Equal(t, 1, s.Report().Told)
	require.Equal(t, 1, s.Report().Finished)
	for name, addr := range map[string]net.Addr{"of nobody": &net.TCPAddr{}, "none": nil, "that cannot be compared": odd{}} {
		require.Nil(t, s.Draining(addr), name)
	}
}

type remote struct{}

// withRemote is what gRPC's peer package does.
func (f *framed) withRemote() *framed {
	f.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, remote{}, c.RemoteAddr())
	}
	return f
}

type odd []byte

func (odd) Network() string { return "odd" }
func (odd) String() string  { return "odd" }

// deaf is a gRPC server whose handlers do not end, and which waits for them.
type deaf struct {
	echoes
	release chan struct{}
}

func (d deaf) GracefulStop() { <-d.release }
func (d deaf) Stop()         { <-d.release }

func TestAStopThatDoesNotReturnOutlastsNoDeadline(t *testing.T) {
	d := deaf{echoes{make(chan struct{})}, make(chan struct{})}
	s := shutdown.GRPC(d, "127.0.0.1:0", shutdown.Config{LingerMax: -1})
	require.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	ctx := context.WithoutCancel(t.Context())
	go func() { served <- s.Serve(ctx) }()
	c, err := net.Dial("tcp", s.Addr().String())
	require.NoError(t, err)
	_, err = io.WriteString(c, "something else")
	require.NoError(t, err)
	_, err = io.ReadFull(c, make([]byte, 14))
	require.NoError(t, err)
	limited, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	require.ErrorContains(t, s.Shutdown(limited), "cut 1 in flight: gRPC calls of one connection")
	require.Less(t, time.Since(began), 5*time.Second)
	close(d.release)
	close(d.stopped)
	require.NoError(t, <-served)
	require.NoError(t, c.Close())
}

func TestAClientThatNeverSpeaksDoesNotHoldAGRPCServer(t *testing.T) {
	s := serveGRPC(t, newFramed(http.HandlerFunc(hello)), shutdown.Config{LingerMax: -1})
	c := s.dial()
	require.Eventually(t, func() bool { return s.Connections().Idle == 1 }, time.Second, time.Millisecond)
	require.NoError(t, s.Shutdown(t.Context()))
	require.NoError(t, <-s.served)
	require.Less(t, s.Report().Ended, time.Second)
	c.gone()
}
