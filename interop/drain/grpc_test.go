package drain_test

import (
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// GracefulStop closes what ServeHTTP is in the middle of; here the http.Server
// around it is drained.
func TestACallOfAMountedGRPCServerFinishes(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	mounted := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(new(wrapperspb.StringValue)); err != nil {
			return err
		}
		close(entered)
		<-release
		return stream.SendMsg(wrapperspb.String("done"))
	}))
	srv := &http.Server{Handler: mounted, Protocols: new(http.Protocols)}
	srv.Protocols.SetUnencryptedHTTP2(true)
	s, served := serve(t, srv)
	client, err := grpc.NewClient(s.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()

	answer := new(wrapperspb.StringValue)
	called := make(chan error, 1)
	go func() { called <- client.Invoke(t.Context(), "/test.Test/Slow", wrapperspb.String("ask"), answer) }()
	<-entered
	done := stop(t, s, 20*time.Second)
	require.Empty(t, called)
	close(release)
	require.NoError(t, <-called)
	require.Equal(t, "done", answer.GetValue())
	require.NoError(t, <-done)
	require.NoError(t, <-served)
}

// The pitfall itself, so that it is known if it should go away.
func TestGracefulStopCutsTheCallsOfAMountedServer(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	mounted := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		close(entered)
		<-release
		return stream.SendMsg(wrapperspb.String("done"))
	}))
	srv := &http.Server{Handler: mounted, Protocols: new(http.Protocols)}
	srv.Protocols.SetUnencryptedHTTP2(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	client, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()

	called := make(chan error, 1)
	go func() {
		called <- client.Invoke(t.Context(), "/test.Test/Slow", wrapperspb.String("ask"), new(wrapperspb.StringValue))
	}()
	<-entered
	stopped := make(chan struct{})
	go func() { defer close(stopped); mounted.GracefulStop() }()
	require.Error(t, <-called)
	close(release)
	<-stopped
	require.NoError(t, srv.Close())
	require.ErrorIs(t, <-served, http.ErrServerClosed)
}
