//go:build !race

// Command ctrlruntime is a manager of sigs.k8s.io/controller-runtime that serves an API
// as well. It watches nothing, and so asks no API server.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/handover-go/handover/interop/migrate/internal/service"
)

func main() {
	crlog.SetLogger(logr.Discard())
	if err := run(signals.SetupSignalHandler(), service.Parse()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, at service.Addresses) error {
	mgr, err := manager.New(&rest.Config{Host: "127.0.0.1:1"}, manager.Options{
		Metrics:                metrics.Options{BindAddress: "0"},
		HealthProbeBindAddress: at.Admin,
	})
	if err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	api := &http.Server{Addr: at.API, Handler: service.API(service.Open())}
	if err := mgr.Add(&manager.Server{Name: "api", Server: api}); err != nil {
		return err
	}
	return mgr.Start(ctx)
}
