package load_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/handover-go/handover/interop/torture/internal/app"
	"github.com/handover-go/handover/interop/torture/internal/load"
	"github.com/handover-go/handover/interop/torture/internal/tally"
)

// enough closes a channel when it has been called so often.
func enough(times int) (call func(), closed <-chan struct{}) {
	ch := make(chan struct{})
	var mu sync.Mutex
	return func() {
		mu.Lock()
		defer mu.Unlock()
		if times--; times == 0 {
			close(ch)
		}
	}, ch
}

// run sends to a server until stop is closed.
func run(t *testing.T, protocol string, address net.Addr, stop <-chan struct{}) tally.Counts {
	t.Helper()
	return runWith(t, protocol, func(ctx context.Context, _ load.Port) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address.String())
	}, stop)
}

func runWith(t *testing.T, protocol string, dial func(context.Context, load.Port) (net.Conn, error), stop <-chan struct{}) tally.Counts {
	t.Helper()
	counts := tally.New(nil)
	load.Run(t.Context(), stop, load.Config{
		Dial:      dial,
		KeepAlive: true, Rate: 200, Streams: 1, Protocols: []string{protocol}, Tally: counts,
	})
	return counts.Counts()[protocol]
}

func serve(t *testing.T, h http.Handler) net.Addr {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(srv.CloseClientConnections)
	return srv.Listener.Addr()
}

func TestWhatIsLost(t *testing.T) {
	right := app.Service{}.Handler()
	tests := map[string]struct {
		protocol string
		handler  http.HandlerFunc // of every request
		want     string           // the only cause; empty: nothing is lost
	}{
		"the right answer":                {"GET", right.ServeHTTP, ""},
		"the body back":                   {"POST", right.ServeHTTP, ""},
		"the checksum of an upload":       {"upload", right.ServeHTTP, ""},
		"the right answer with HTTP/2":    {"h2 GET", right.ServeHTTP, ""},
		"the body back with HTTP/2":       {"h2 POST", right.ServeHTTP, ""},
		"the answer of somebody else":     {"GET", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "7") }, `another answer: "7"`},
		"an answer that is too short":     {"POST", func(w http.ResponseWriter, r *http.Request) { _, _ = io.CopyN(w, r.Body, 2) }, "another answer"},
		"an error of a balancer":          {"GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "status 502"},
		"a connection that ends":          {"GET", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"an answer that ends too early":   {"GET", truncated, "truncated"},
		"a stream that is reset":          {"h2 GET", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "stream error"},
		"a subscription that is declined": {"SSE", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "status 503"},
		"an upgrade that is declined":     {"WebSocket", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "but got 502"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			call, stop := enough(3)
			counts := run(t, tt.protocol, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				call()
				tt.handler(w, r)
			})), stop)
			require.GreaterOrEqual(t, counts.Requests, 3)
			require.Zero(t, counts.Unsent)
			require.Zero(t, counts.Cut)
			if tt.want == "" {
				require.Zero(t, counts.Lost, counts.Reasons())
				return
			}
			require.Positive(t, counts.Lost)
			for cause := range counts.Causes {
				require.Contains(t, cause, tt.want)
			}
		})
	}
}

func truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "9")
	fmt.Fprint(w, "four")
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestNobodyListens(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	for _, protocol := range []string{"GET", "h2 POST", "SSE", "WebSocket", "gRPC unary", "gRPC stream", "gRPC bidi"} {
		t.Run(protocol, func(t *testing.T) {
			call, stop := enough(2)
			counts := tally.New(nil)
			load.Run(t.Context(), stop, load.Config{
				Dial: func(ctx context.Context, _ load.Port) (net.Conn, error) {
					defer call()
					return new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
				},
				Rate: 50, Streams: 1, Protocols: []string{protocol}, Tally: counts,
			})
			c := counts.Counts()[protocol]
			require.Positive(t, c.Lost)
			require.Contains(t, c.Reasons(), "refused")
			require.Zero(t, c.Unsent+c.Cut)
		})
	}
}

func TestARequestOnAKeptConnectionIsNotSentAgain(t *testing.T) {
	var mu sync.Mutex
	answered := map[string]bool{}
	call, stop := enough(10)
	counts := run(t, "GET", serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call()
		mu.Lock()
		again := answered[r.RemoteAddr]
		answered[r.RemoteAddr] = true
		mu.Unlock()
		if again {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, r.URL.Query().Get("id"))
	})), stop)
	require.Positive(t, counts.Lost)
	require.Equal(t, counts.Lost, counts.Causes["EOF"])
	require.Zero(t, counts.Unsent)
}

// A server that goes away without having looked at the first stream: the client
// can tell, sends it again, and nothing is lost.
func TestAStreamAboveTheLastOneIsUnsent(t *testing.T) {
	call, stop := enough(3)
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call()
		fmt.Fprint(w, r.URL.Query().Get("id"))
	}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var leaving sync.WaitGroup
	defer leaving.Wait()
	defer func() { require.NoError(t, ln.Close()) }()
	leaving.Go(func() {
		if conn, err := ln.Accept(); err == nil {
			goAway(conn)
		}
	})
	var dialled atomic.Bool
	counts := runWith(t, "h2 GET", func(ctx context.Context, _ load.Port) (net.Conn, error) {
		if !dialled.Swap(true) {
			return new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
		}
		return new(net.Dialer).DialContext(ctx, "tcp", address.String())
	}, stop)
	require.Zero(t, counts.Lost, counts.Reasons())
	require.Positive(t, counts.Unsent)
}

// goAway says after the first stream that it has processed none.
func goAway(conn net.Conn) {
	_, _ = io.CopyN(io.Discard, conn, int64(len(http2.ClientPreface)))
	framer := http2.NewFramer(conn, conn)
	_ = framer.WriteSettings()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			break
		}
		if _, ok := frame.(*http2.HeadersFrame); ok {
			_ = framer.WriteGoAway(0, http2.ErrCodeNo, nil)
		}
	}
	_ = conn.Close()
}

func TestWhatIsCut(t *testing.T) {
	say := func(messages ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for _, m := range messages {
				if m == "" {
					panic(http.ErrAbortHandler)
				}
				fmt.Fprintf(w, "data: %s\n\n", m)
				_ = http.NewResponseController(w).Flush()
			}
		}
	}
	closing := func(code websocket.StatusCode, echo func(string) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			for range 2 {
				_, data, err := conn.Read(r.Context())
				if err != nil {
					return
				}
				_ = conn.Write(r.Context(), websocket.MessageText, []byte(echo(string(data))))
			}
			_ = conn.Close(code, "")
		}
	}
	same := func(s string) string { return s }
	tests := map[string]struct {
		protocol string
		handler  http.HandlerFunc
		want     string // the only cause; empty: nothing is cut
	}{
		"a goodbye":                             {"SSE", say("0", "1", app.Bye), ""},
		"a goodbye with HTTP/2":                 {"h2 SSE", say("0", "1", app.Bye), ""},
		"an end without a goodbye":              {"SSE", say("0", "1"), "EOF"},
		"an end without a goodbye with HTTP/2":  {"h2 SSE", say("0", "1"), "EOF"},
		"an end in the middle":                  {"SSE", say("0", "1", ""), "truncated"},
		"a goodbye, and then a connection lost": {"SSE", say("0", app.Bye, ""), "after the goodbye: truncated"},
		"a missing message":                     {"SSE", say("0", "2", app.Bye), `a gap: message 1 is "2"`},
		"a message after the goodbye":           {"SSE", say("0", app.Bye, "1"), "a message after the last"},
		"a WebSocket that says it goes away":    {"WebSocket", closing(websocket.StatusGoingAway, same), ""},
		"a WebSocket that closes for no reason": {"WebSocket", closing(websocket.StatusNormalClosure, same), "StatusNormalClosure"},
		"a WebSocket that answers something":    {"WebSocket", closing(websocket.StatusGoingAway, func(string) string { return "x" }), `another answer: "x"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			call, stop := enough(4)
			counts := run(t, tt.protocol, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				call()
				tt.handler(w, r)
			})), stop)
			require.Zero(t, counts.Lost, counts.Reasons())
			if tt.want == "" {
				require.Zero(t, counts.Cut, counts.Reasons())
				require.GreaterOrEqual(t, counts.Messages, 4)
				return
			}
			require.Positive(t, counts.Cut)
			for cause := range counts.Causes {
				require.Contains(t, cause, tt.want)
			}
		})
	}
}

func TestStreamsOfGRPC(t *testing.T) {
	tests := map[string]struct {
		protocol string
		end      error // of every stream
		told     bool  // they are told to end
		want     string
	}{
		"a server stream that is told":             {protocol: "gRPC stream", told: true},
		"a stream in both directions that is told": {protocol: "gRPC bidi", told: true},
		"a server stream that is broken off":       {protocol: "gRPC stream", end: status.Error(codes.Unavailable, "away"), want: "away"},
		"a conversation that is broken off":        {protocol: "gRPC bidi", end: status.Error(codes.Unavailable, "away"), want: "away"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			call, stop := enough(3)
			service := app.Service{Draining: func(context.Context) <-chan struct{} {
				soon := make(chan struct{})
				close(soon)
				return soon
			}}
			if !tt.told {
				service.Draining = nil
			}
			srv, _ := service.RPC(grpc.StreamInterceptor(func(s any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
				call()
				if tt.end == nil {
					return next(s, stream)
				}
				_ = next(s, &brief{ServerStream: stream, left: 3})
				return tt.end
			}))
			var served sync.WaitGroup
			defer served.Wait()
			defer srv.Stop()
			served.Go(func() { _ = srv.Serve(ln) })
			counts := run(t, tt.protocol, ln.Addr(), stop)
			require.Zero(t, counts.Lost, counts.Reasons())
			if tt.want == "" {
				require.Zero(t, counts.Cut, counts.Reasons())
				return
			}
			require.Positive(t, counts.Cut)
			require.Contains(t, counts.Reasons(), tt.want)
		})
	}
}

// brief is a stream that takes only so many messages.
type brief struct {
	grpc.ServerStream
	left int
}

func (b *brief) SendMsg(m any) error {
	if b.left--; b.left < 0 {
		return io.ErrClosedPipe
	}
	return b.ServerStream.SendMsg(m)
}
