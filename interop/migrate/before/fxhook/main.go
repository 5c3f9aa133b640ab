// Command fxhook stops with hooks of go.uber.org/fx.
package main

import (
	"context"
	"net"
	"net/http"

	"go.uber.org/fx"

	"github.com/handover-go/handover/interop/migrate/internal/service"
)

func main() {
	fx.New(
		fx.NopLogger,
		fx.Supply(service.Parse()),
		fx.Provide(newPool, service.API, newServer),
		fx.Invoke(serveReady, func(*http.Server) {}),
	).Run()
}

func newPool(lc fx.Lifecycle) *service.Pool {
	pool := service.Open()
	lc.Append(fx.StopHook(pool.Close))
	return pool
}

func newServer(lc fx.Lifecycle, at service.Addresses, handler http.Handler) *http.Server {
	api := &http.Server{Addr: at.API, Handler: handler}
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			ln, err := new(net.ListenConfig).Listen(ctx, "tcp", api.Addr)
			if err != nil {
				return err
			}
			go api.Serve(ln) //nolint:errcheck // ErrServerClosed; the guide of fx ignores it too
			return nil
		},
		OnStop: api.Shutdown,
	})
	return api
}

func serveReady(lc fx.Lifecycle, at service.Addresses) {
	admin := &http.Server{Addr: at.Admin, Handler: service.AlwaysReady()}
	lc.Append(fx.StartHook(func() {
		go admin.ListenAndServe() //nolint:errcheck // as above
	}))
}
