package probes_test

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/grpcprobes"
)

// grpcServer serves a health service over TCP.
func grpcServer(t *testing.T, service healthpb.HealthServer) (address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, service)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		require.NoError(t, <-served)
	})
	return listener.Addr().String()
}

func client(t *testing.T, address string) (healthpb.HealthClient, func()) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	return healthpb.NewHealthClient(conn), func() { require.NoError(t, conn.Close()) }
}

// check dials for each question, as a kubelet and grpc_health_probe do.
func check(t *testing.T, address, service string) string {
	t.Helper()
	c, hangUp := client(t, address)
	defer hangUp()
	answer, err := c.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		return status.Code(err).String()
	}
	return answer.GetStatus().String()
}

// watch returns a function that waits for the next status.
func watch(t *testing.T, address, service string) (next func() string) {
	t.Helper()
	c, hangUp := client(t, address)
	t.Cleanup(hangUp)
	stream, err := c.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: service})
	require.NoError(t, err)
	return func() string {
		answer, err := stream.Recv()
		require.NoError(t, err)
		return answer.GetStatus().String()
	}
}

func TestGRPCHealthSaysWhatTheSetSays(t *testing.T) {
	set := probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler)})
	rpcHealth := health.NewServer()
	before, err := rpcHealth.Check(t.Context(), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, healthpb.HealthCheckResponse_SERVING, before.GetStatus(), "what Start is there for")

	follow := grpcprobes.New(set, rpcHealth.SetServingStatus, grpcprobes.Config{Services: []string{"shop.v1.Orders"}})
	require.NoError(t, follow.Start(t.Context()))
	address := grpcServer(t, rpcHealth)
	says := func(want map[string]string) {
		t.Helper()
		got := map[string]string{}
		for service := range want {
			got[service] = check(t, address, service)
		}
		require.Equal(t, want, got)
	}
	says(map[string]string{
		"": "NOT_SERVING", "shop.v1.Orders": "NOT_SERVING", "readiness": "NOT_SERVING", "startup": "NOT_SERVING",
		"liveness": "SERVING", "shop.v1.Carts": "NotFound",
	})

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- follow.Run(ctx) }()
	whole, orders, liveness := watch(t, address, ""), watch(t, address, "shop.v1.Orders"), watch(t, address, "liveness")
	require.Equal(t, []string{"NOT_SERVING", "NOT_SERVING", "SERVING"}, []string{whole(), orders(), liveness()})
	require.Equal(t, "SERVICE_UNKNOWN", watch(t, address, "shop.v1.Carts")())

	require.NoError(t, set.Ready(ctx))
	require.Equal(t, []string{"SERVING", "SERVING"}, []string{whole(), orders()})
	says(map[string]string{
		"": "SERVING", "shop.v1.Orders": "SERVING", "readiness": "SERVING", "startup": "SERVING",
		"liveness": "SERVING", "shop.v1.Carts": "NotFound",
	})

	// Who watches is told during the shutdown delay, in which everything serves.
	grace, kill := context.WithCancel(t.Context())
	drained := make(chan error, 1)
	go func() { drained <- set.Drain(grace) }()
	require.Equal(t, []string{"NOT_SERVING", "NOT_SERVING"}, []string{whole(), orders()})
	says(map[string]string{
		"": "NOT_SERVING", "shop.v1.Orders": "NOT_SERVING", "readiness": "NOT_SERVING", "startup": "SERVING",
		"liveness": "SERVING", "shop.v1.Carts": "NotFound",
	})
	kill()
	require.NoError(t, <-drained)
	cancel()
	require.NoError(t, <-ended)
}

func TestGRPCHealthIsNotServingWhenNobodyFollows(t *testing.T) {
	set := probes.New(probes.Config{})
	require.NoError(t, set.Ready(t.Context()))
	rpcHealth := health.NewServer()
	follow := grpcprobes.New(set, rpcHealth.SetServingStatus, grpcprobes.Config{})
	require.NoError(t, follow.Start(t.Context()))
	next := watch(t, grpcServer(t, rpcHealth), "")
	require.Equal(t, "SERVING", next())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, follow.Run(ctx))
	require.Equal(t, "NOT_SERVING", next())
}
