//go:build unix && !race

package bench_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/handover-go/handover/shutdown"
)

// BenchmarkGracefulStop stops a gRPC server with one idle client. "streams" has a
// hundred calls in flight as well, which GracefulStop waits for for ever: there
// ms-late/op is the time from the deadline to the return, and bare is Stop at the
// deadline by hand.
func BenchmarkGracefulStop(b *testing.B) {
	for _, load := range []struct {
		name    string
		streams int
		limit   time.Duration
	}{
		{"idle", 0, 10 * time.Second},
		{"streams", 100, 50 * time.Millisecond},
	} {
		for _, way := range []struct {
			name string
			stop func(*grpc.Server) func(context.Context) error
		}{
			{"bare", func(srv *grpc.Server) func(context.Context) error {
				return func(ctx context.Context) error {
					defer context.AfterFunc(ctx, srv.Stop)()
					srv.GracefulStop()
					return ctx.Err()
				}
			}},
			{"handover", func(srv *grpc.Server) func(context.Context) error {
				return shutdown.Graceful(srv.GracefulStop, srv.Stop)
			}},
		} {
			b.Run(load.name+"/"+way.name, func(b *testing.B) {
				var took, late time.Duration
				for b.Loop() {
					r := newRPC(b, load.streams)
					stop := way.stop(r.server)
					began := time.Now()
					ctx, cancel := context.WithTimeout(b.Context(), load.limit)
					err := stop(ctx)
					took += time.Since(began)
					late += time.Since(began) - load.limit
					require.Equal(b, load.streams > 0, errors.Is(err, context.DeadlineExceeded), "%v", err)
					cancel()
					r.close(b)
				}
				b.ReportMetric(0, "ns/op") // with the making of the server, which is not asked for
				if load.streams > 0 {
					b.ReportMetric(float64(late.Microseconds())/1000/float64(b.N), "ms-late/op")
					return
				}
				b.ReportMetric(float64(took.Microseconds())/float64(b.N), "µs-stop/op")
			})
		}
	}
}

// rpc is a gRPC server and a client of its.
type rpc struct {
	server *grpc.Server
	served chan error
	client *grpc.ClientConn
}

func newRPC(b *testing.B, streams int) *rpc {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	r := &rpc{server: grpc.NewServer(), served: make(chan error, 1)}
	healthpb.RegisterHealthServer(r.server, health.NewServer())
	go func() { r.served <- r.server.Serve(ln) }()
	r.client, err = grpc.NewClient(ln.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(b, err)
	client := healthpb.NewHealthClient(r.client)
	_, err = client.Check(b.Context(), &healthpb.HealthCheckRequest{})
	require.NoError(b, err)
	for range streams {
		watch, err := client.Watch(b.Context(), &healthpb.HealthCheckRequest{})
		require.NoError(b, err)
		_, err = watch.Recv()
		require.NoError(b, err)
	}
	return r
}

func (r *rpc) close(b *testing.B) {
	b.Helper()
	require.NoError(b, <-r.served)
	require.NoError(b, r.client.Close())
}
