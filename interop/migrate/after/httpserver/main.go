// Command httpserver is its namesake of before, with this library.
package main

import (
	"context"
	"log"
	"net/http"
	"time"

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
	pool := service.Open()
	health := probes.New(probes.Config{})
	api := shutdown.HTTP(&http.Server{Addr: at.API, Handler: service.API(pool)}, shutdown.Config{})
	admin := shutdown.HTTP(&http.Server{Addr: at.Admin, Handler: health.Handler()}, shutdown.Config{})

	ctx, stop := shutdown.Notify(context.Background())
	defer stop()
	app := lifecycle.New(lifecycle.Config{GracePeriod: 30 * time.Second})
	app.Add(
		lifecycle.Component{Name: "checks", Run: health.Run},
		lifecycle.Component{Name: "admin", Start: admin.Listen, Run: admin.Serve, Stop: admin.Close},
		lifecycle.Component{Name: "pool", Stop: lifecycle.Call(pool.Close)},
		lifecycle.Component{Name: "api", Start: api.Listen, Run: api.Serve, Stop: api.Shutdown},
		lifecycle.Component{Name: "ready", Start: health.Ready, Stop: health.Drain},
	)
	return app.Run(ctx)
}
