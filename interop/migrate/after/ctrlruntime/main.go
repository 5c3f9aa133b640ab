//go:build !race

// Command ctrlruntime has the manager as one component of its list: controllers are
// the manager's, who serves and who is asked is not.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/handover-go/handover/interop/migrate/internal/service"
	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/shutdown"
)

func main() {
	crlog.SetLogger(logr.Discard())
	if err := run(service.Parse()); err != nil {
		log.Fatal(err)
	}
}

func run(at service.Addresses) error {
	mgr, err := manager.New(&rest.Config{Host: "127.0.0.1:1"}, manager.Options{
		Metrics:                 metrics.Options{BindAddress: "0"},
		HealthProbeBindAddress:  "0",
		GracefulShutdownTimeout: new(time.Duration(-1)), // the list has the time
	})
	if err != nil {
		return err
	}
	health := probes.New(probes.Config{})
	if err := health.Add(cachesIn(mgr)); err != nil {
		return err
	}
	admin := shutdown.HTTP(&http.Server{Addr: at.Admin, Handler: health.Handler()}, shutdown.Config{})
	api := shutdown.HTTP(&http.Server{Addr: at.API, Handler: service.API(service.Open())}, shutdown.Config{})

	ctx, stop := shutdown.Notify(context.Background())
	defer stop()
	app := lifecycle.New(lifecycle.Config{GracePeriod: 30 * time.Second})
	app.Add(
		lifecycle.Component{Name: "checks", Run: health.Run},
		lifecycle.Component{Name: "admin", Start: admin.Listen, Run: admin.Serve, Stop: admin.Close},
		lifecycle.Component{Name: "manager", Run: mgr.Start}, // its context ends at its turn
		lifecycle.Component{Name: "api", Start: api.Listen, Run: api.Serve, Stop: api.Shutdown},
		lifecycle.Component{Name: "ready", Start: health.Ready, Stop: health.Drain},
	)
	return app.Run(ctx)
}

// cachesIn passes when what the handlers read from the manager is there.
func cachesIn(mgr manager.Manager) probes.Check {
	return probes.Check{Name: "caches", Kind: probes.Startup, Run: func(ctx context.Context) error {
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return errors.New("the caches are not in sync yet")
		}
		return nil
	}}
}
