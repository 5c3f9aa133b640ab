package shutdown

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// rpcServer is what *grpc.Server can do.
type rpcServer interface {
	Serve(l net.Listener) error
	GracefulStop()
	Stop()
}

// GRPC makes a Server of a *grpc.Server, and opens addr, such as ":9090", unless
// cfg has a Listener. It stops as an HTTP server does, and loses no call to a
// balancer that does not know yet: clients are told to go away while new
// connections are still accepted and served, by the two GOAWAYs of gRPC itself;
// when nobody connects any more the listener closes, and then GracefulStop is
// called, with Stop beside it at ctx's deadline (grpc/grpc-go#2448).
//
//	rpc := shutdown.GRPC(server, ":9090", shutdown.Config{})
//	lifecycle.Component{Name: "rpc", Start: rpc.Listen, Run: rpc.Serve, Stop: rpc.Shutdown}
//	lifecycle.Component{Name: "rpc health", Stop: lifecycle.Call(health.Shutdown)} // in the last place
//
// Where the server has credentials of its own (grpc.Creds), its frames cannot be
// seen: clients are not told before GracefulStop does it, so the linger takes its
// longest, for who has not left by then. Streams that last listen to the
// Server's Draining. Calls have no names in the Report, and one that is cut is an
// error, told or not. Of cfg, IsProbe, RetryAfter and Envoy are not used.
func GRPC(server rpcServer, addr string, cfg Config) *Server {
	var mistake error
	if server == nil {
		mistake = errors.New("shutdown: listen: GRPC was given a nil server: give it a *grpc.Server")
	}
	s := newServer(&http.Server{Addr: addr}, mistake, cfg)
	s.rpc = server
	return s
}

// stopRPC begins what ends the server itself, once nothing new can come.
func (d *drain) stopRPC(ctx context.Context) {
	if d.rpc == nil || d.hooksRun || d.rpcStopped != nil {
		return
	}
	stopped := make(chan error, 1)
	d.rpcStopped = stopped
	// The deadline is the drain's, which first says what it cuts.
	ctx, d.killRPC = context.WithCancelCause(context.WithoutCancel(ctx))
	stop := Graceful(d.rpc.GracefulStop, d.rpc.Stop)
	go func() { stopped <- stop(ctx) }()
}

// closeRPC waits for it, until ctx ends.
func (d *drain) closeRPC(ctx context.Context) error {
	stopped := d.rpcStopped
	if stopped == nil {
		return nil
	}
	d.rpcStopped = nil
	defer d.killRPC(nil)
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
		d.killRPC(context.Cause(ctx))
		return <-stopped
	}
}

// haltRPC stops a server whose Serve shall not go on, and waits for a moment: some
// wait for handlers that do not end.
func (s *Server) haltRPC(ctx context.Context) {
	if s.rpc != nil {
		_ = Graceful(s.rpc.Stop, nil)(ctx)
	}
}

// Draining is the package's Draining for a connection that is known by its remote
// address only: in a gRPC handler, that of peer.FromContext. It is nil for a
// connection that is not one of this server, or has gone.
func (s *Server) Draining(remote net.Addr) <-chan struct{} {
	if signal := s.traffic.Signal(remote); signal != nil {
		return signal.C()
	}
	return nil
}
