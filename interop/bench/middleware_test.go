//go:build unix && !race

package bench_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/grafana/dskit/middleware"
	"github.com/grafana/dskit/server"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/waitgroup"
	"knative.dev/pkg/network/handlers"

	"github.com/handover-go/handover/shutdown"
)

// BenchmarkMiddleware measures what is called for one request on a connection that
// is kept, less what net/http does itself. "bare" is the handler alone. core-ns/op
// is processor time, on whatever processor, and not disturbed by who else wants
// them; if it is more with -cpu 2 than with -cpu 1, requests wait for one another.
func BenchmarkMiddleware(b *testing.B) {
	bare := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	metrics := dskitMetrics()
	for _, peer := range []struct {
		name    string
		handler http.Handler
	}{
		{"bare", bare},
		{"knative-drainer", &handlers.Drainer{Inner: bare}},
		{"dskit-instrument", middleware.Instrument{
			Duration: metrics.RequestDuration, InflightRequests: metrics.InflightRequests,
			RequestBodySize: metrics.ReceivedMessageSize, ResponseBodySize: metrics.SentMessageSize,
		}.Wrap(bare)},
		{"apiserver-waitgroup", apiserver(bare)},
		{"sync-waitgroup", waitGroup(bare)},
	} {
		b.Run(peer.name, func(b *testing.B) {
			perRequest(b, func() func() {
				r, w := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil), httptest.NewRecorder()
				return func() { peer.handler.ServeHTTP(w, r) }
			})
		})
	}
	b.Run("handover", func(b *testing.B) {
		srv, connect := tracked(b, bare)
		perRequest(b, func() func() {
			c := connect()
			r, w := httptest.NewRequestWithContext(c.ctx, http.MethodGet, "/", nil), httptest.NewRecorder()
			return func() {
				srv.ConnState(c.Conn, http.StateActive)
				srv.Handler.ServeHTTP(w, r)
				srv.ConnState(c.Conn, http.StateIdle)
			}
		})
	})
	b.Run("bare-h2", func(b *testing.B) {
		srv := &http.Server{Handler: bare}
		perRequest(b, func() func() { return stream(srv, connection{ctx: b.Context()}) })
	})
	b.Run("handover-h2", func(b *testing.B) {
		srv, connect := tracked(b, bare)
		perRequest(b, func() func() { return stream(srv, connect()) })
	})
	b.Run("handover-h2-one-connection", func(b *testing.B) { // whose streams net/http lets wait for one another, too
		srv, connect := tracked(b, bare)
		c := connect()
		perRequest(b, func() func() { return stream(srv, c) })
	})
}

// stream is a request of HTTP/2, of which net/http says nothing but to the handler.
// Each has an http.Request of its own there; copying one stands for that, and is what
// "bare-h2" costs.
func stream(srv *http.Server, c connection) (request func()) {
	fresh := httptest.NewRequestWithContext(c.ctx, http.MethodGet, "/", nil)
	fresh.ProtoMajor = 2
	r, w := new(http.Request), httptest.NewRecorder()
	return func() {
		*r = *fresh
		srv.Handler.ServeHTTP(w, r)
	}
}

// dskitMetrics are registered with the process.
var dskitMetrics = sync.OnceValue(func() *server.Metrics { return server.NewServerMetrics(server.Config{}) })

func perRequest(b *testing.B, client func() (request func())) {
	b.Helper()
	b.ReportAllocs()
	before := cpuTime()
	b.RunParallel(func(pb *testing.PB) {
		request := client()
		for pb.Next() {
			request()
		}
	})
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "core-ns/op")
}

// waitGroup is what most programs have that count requests.
func waitGroup(next http.Handler) http.Handler {
	var inFlight sync.WaitGroup
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inFlight.Add(1)
		defer inFlight.Done()
		next.ServeHTTP(w, r)
	})
}

// apiserver counts as k8s.io/apiserver does, which refuses requests once it waits.
func apiserver(next http.Handler) http.Handler {
	var inFlight waitgroup.SafeWaitGroup
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if inFlight.Add(1) != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer inFlight.Done()
		next.ServeHTTP(w, r)
	})
}

// connection is one of a server, as net/http knows it.
type connection struct {
	net.Conn
	ctx context.Context
}

// tracked is a Server of package shutdown, and its connections.
func tracked(b *testing.B, h http.Handler) (srv *http.Server, connect func() connection) {
	b.Helper()
	accepted := make(chan connection, 1)
	srv = &http.Server{Addr: "127.0.0.1:0", Handler: h}
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		accepted <- connection{c, ctx}
		return ctx
	}
	s := shutdown.HTTP(srv, shutdown.Config{LingerMax: -1, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, s.Listen(b.Context()))
	ctx := context.WithoutCancel(b.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	b.Cleanup(func() {
		if err := errors.Join(s.Close(ctx), <-served); err != nil {
			b.Error(err)
		}
	})
	var one sync.Mutex
	return srv, func() connection {
		one.Lock()
		defer one.Unlock()
		peer, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			b.Error(err)
			runtime.Goexit()
		}
		b.Cleanup(func() { _ = peer.Close() }) // the server may have done so
		return <-accepted
	}
}
