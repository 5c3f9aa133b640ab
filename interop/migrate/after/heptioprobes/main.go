// Command heptioprobes has the same checks, under the same paths; they run in the
// background.
package main

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/heptiolabs/healthcheck"

	"github.com/handover-go/handover/interop/migrate/internal/service"
	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/heptioprobes"
	"github.com/handover-go/handover/shutdown"
)

func main() {
	if err := run(service.Parse()); err != nil {
		log.Fatal(err)
	}
}

func run(at service.Addresses) error {
	set := probes.New(probes.Config{})
	health := heptioprobes.New(set, heptioprobes.Config{Scope: probes.Shared, Timeout: 10 * time.Second})
	health.AddLivenessCheck("goroutines", healthcheck.GoroutineCountCheck(10_000))
	health.AddReadinessCheck("upstream", healthcheck.HTTPGetCheck(at.Upstream, 10*time.Second))
	if err := health.Err(); err != nil {
		return err
	}
	admin := shutdown.HTTP(&http.Server{Addr: at.Admin, Handler: health}, shutdown.Config{})
	api := shutdown.HTTP(&http.Server{Addr: at.API, Handler: service.API(service.Open())}, shutdown.Config{})

	ctx, stop := shutdown.Notify(context.Background())
	defer stop()
	app := lifecycle.New(lifecycle.Config{GracePeriod: 30 * time.Second})
	app.Add(
		lifecycle.Component{Name: "checks", Run: set.Run},
		lifecycle.Component{Name: "admin", Start: admin.Listen, Run: admin.Serve, Stop: admin.Close},
		lifecycle.Component{Name: "api", Start: api.Listen, Run: api.Serve, Stop: api.Shutdown},
		lifecycle.Component{Name: "ready", Start: set.Ready, Stop: set.Drain},
	)
	return app.Run(ctx)
}
