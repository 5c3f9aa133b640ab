// Command heptioprobes has the checks of github.com/heptiolabs/healthcheck, each of
// which is run by whoever asks.
package main

import (
	"context"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/heptiolabs/healthcheck"

	"github.com/handover-go/handover/interop/migrate/internal/service"
)

func main() {
	if err := run(service.Parse()); err != nil {
		log.Fatal(err)
	}
}

func run(at service.Addresses) error {
	health := healthcheck.NewHandler()
	health.AddLivenessCheck("goroutines", healthcheck.GoroutineCountCheck(10_000))
	health.AddReadinessCheck("upstream", healthcheck.HTTPGetCheck(at.Upstream, 10*time.Second))
	admin := &http.Server{Addr: at.Admin, Handler: health}
	api := &http.Server{Addr: at.API, Handler: service.API(service.Open())}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	failed := make(chan error, 2)
	go func() { failed <- admin.ListenAndServe() }()
	go func() { failed <- api.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.Background(), 28*time.Second)
	defer cancel()
	return api.Shutdown(limited)
}
