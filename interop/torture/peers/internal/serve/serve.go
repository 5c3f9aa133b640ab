//go:build !race

// Package serve is what the libraries leave to the program: to serve, and to stop
// gRPC within a time.
package serve

import (
	"context"
	"net"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"

	"github.com/handover-go/handover/interop/torture/internal/app"
)

// HTTP serves TLS if the server is made for it.
func HTTP(srv *http.Server, ln net.Listener) error {
	if srv.TLSConfig != nil {
		return srv.ServeTLS(ln, "", "")
	}
	return srv.Serve(ln)
}

// RPC is a gRPC server on the address of the flags, which may have none.
type RPC struct {
	server *grpc.Server
	health *health.Server
	ln     net.Listener // nil: no address
}

// ListenRPC opens the address.
func ListenRPC(f app.Flags) (*RPC, error) {
	r := new(RPC)
	r.server, r.health = f.Service().RPC()
	if f.GRPC == "" {
		return r, nil
	}
	var err error
	r.ln, err = f.ListenRPC()
	return r, err
}

// Serve returns nil when the server has been stopped, and at once if there is
// nothing to serve.
func (r *RPC) Serve() error {
	if r.ln == nil {
		return nil
	}
	return r.server.Serve(r.ln)
}

// NotServing is what health says from now on.
func (r *RPC) NotServing() { r.health.Shutdown() }

// Stop is GracefulStop until ctx ends, and Stop then.
func (r *RPC) Stop(ctx context.Context) error {
	defer context.AfterFunc(ctx, r.server.Stop)()
	r.server.GracefulStop()
	return ctx.Err()
}
