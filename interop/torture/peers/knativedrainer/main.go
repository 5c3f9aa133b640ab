//go:build !race

// Command knativedrainer drains with knative.dev/pkg/network/handlers as knative's
// webhook does: probes fail at once, Drain waits until no request has come for a
// while, and Shutdown has no limit. The default of 45 seconds is longer than a
// pod's grace period; here it is two.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"knative.dev/pkg/network"
	"knative.dev/pkg/network/handlers"

	"github.com/handover-go/handover/interop/torture/internal/app"
	"github.com/handover-go/handover/interop/torture/peers/internal/serve"
)

const quietPeriod = 2 * time.Second

func main() {
	f := app.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	rpc, err := serve.ListenRPC(f)
	if err != nil {
		log.Fatal(err)
	}
	drainer := &handlers.Drainer{Inner: f.Service().Handler(), QuietPeriod: quietPeriod}
	api, err := f.Server(drainer)
	if err != nil {
		log.Fatal(err)
	}

	go func() { log.Fatal(f.AdminServer(probes(drainer)).ListenAndServe()) }()
	go func() {
		if err := app.ListenAndServe(api); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	go func() {
		if err := rpc.Serve(); err != nil {
			log.Fatal(err)
		}
	}()
	<-ctx.Done()

	rpc.NotServing()
	drainer.Drain()
	err = api.Shutdown(context.Background())
	if err = errors.Join(err, rpc.Stop(context.Background())); err != nil {
		log.Fatal(err)
	}
}

// probes answers whoever asks as the drainer answers the kubelet.
func probes(drainer *handlers.Drainer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set(network.UserAgentKey, network.KubeProbeUAPrefix+"1")
		drainer.ServeHTTP(w, r)
	})
}
