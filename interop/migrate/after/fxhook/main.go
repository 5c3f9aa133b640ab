// Command fxhook has its constructors from go.uber.org/fx, and the hooks that others
// have registered; what serves is a list.
package main

import (
	"context"
	"log"
	"net/http"
	"time"

	"go.uber.org/fx"

	"github.com/handover-go/handover/interop/migrate/internal/service"
	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/shutdown"
)

func main() {
	if err := run(service.Parse()); err != nil {
		log.Fatal(err)
	}
}

func run(at service.Addresses) error {
	var server *http.Server
	parts := fx.New(
		fx.NopLogger,
		fx.Supply(at),
		fx.Provide(newPool, service.API, newServer),
		fx.Populate(&server),
	)
	if err := parts.Err(); err != nil {
		return err
	}
	health := probes.New(probes.Config{})
	api := shutdown.HTTP(server, shutdown.Config{})
	admin := shutdown.HTTP(&http.Server{Addr: at.Admin, Handler: health.Handler()}, shutdown.Config{})

	ctx, stop := shutdown.Notify(context.Background())
	defer stop()
	app := lifecycle.New(lifecycle.Config{GracePeriod: 30 * time.Second})
	app.Add(
		lifecycle.Component{Name: "checks", Run: health.Run},
		lifecycle.Component{Name: "admin", Start: admin.Listen, Run: admin.Serve, Stop: admin.Close},
		lifecycle.Component{Name: "fx", Start: parts.Start, Stop: parts.Stop},
		lifecycle.Component{Name: "api", Start: api.Listen, Run: api.Serve, Stop: api.Shutdown},
		lifecycle.Component{Name: "ready", Start: health.Ready, Stop: health.Drain},
	)
	return app.Run(ctx)
}

func newPool(lc fx.Lifecycle) *service.Pool {
	pool := service.Open()
	lc.Append(fx.StopHook(pool.Close))
	return pool
}

func newServer(at service.Addresses, handler http.Handler) *http.Server {
	return &http.Server{Addr: at.API, Handler: handler}
}
