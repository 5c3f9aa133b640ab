//go:build !race

// Command fxhook stops with hooks of go.uber.org/fx, as its guide does. fx gives
// all of them 15 seconds together, and knows no readiness.
package main

import (
	"context"
	"log"
	"net"
	"net/http"

	"go.uber.org/fx"

	"github.com/handover-go/handover/interop/torture/internal/app"
	"github.com/handover-go/handover/interop/torture/peers/internal/serve"
)

func main() {
	f := app.Parse()
	fx.New(
		fx.Supply(f),
		fx.Provide(newServer, serve.ListenRPC),
		fx.Invoke(serveReady, func(*http.Server) {}, serveRPC),
	).Run()
}

func newServer(lc fx.Lifecycle, f app.Flags) (*http.Server, error) {
	srv, err := f.Server(f.Service().Handler())
	if err != nil {
		return nil, err
	}
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			ln, err := new(net.ListenConfig).Listen(ctx, "tcp", srv.Addr)
			if err != nil {
				return err
			}
			go serve.HTTP(srv, ln) //nolint:errcheck // ErrServerClosed; the guide ignores it too
			return nil
		},
		OnStop: srv.Shutdown,
	})
	return srv, nil
}

func serveRPC(lc fx.Lifecycle, rpc *serve.RPC) {
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go rpc.Serve() //nolint:errcheck // as above
			return nil
		},
		OnStop: rpc.Stop,
	})
}

func serveReady(lc fx.Lifecycle, f app.Flags) {
	lc.Append(fx.StartHook(func() {
		go func() { log.Fatal(f.ServeReady(nil)) }()
	}))
}
