package promshutdown_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/promshutdown"
)

// How a server stopped is there when it has.
func Example() {
	api := shutdown.HTTP(&http.Server{Addr: "127.0.0.1:0"}, shutdown.Config{Logger: slog.New(slog.DiscardHandler)})
	registry := prometheus.NewRegistry()
	registry.MustRegister(promshutdown.New(api, promshutdown.Config{Name: "api"}))

	ctx := context.Background()
	if err := api.Listen(ctx); err != nil {
		log.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- api.Serve(ctx) }()
	show := func(when string) {
		families, err := registry.Gather()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(when)
		for _, family := range families {
			fmt.Printf("  %s: %d\n", family.GetName(), len(family.GetMetric()))
		}
	}
	show("while it serves")
	if err := api.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	if err := <-served; err != nil {
		log.Fatal(err)
	}
	show("when it has stopped")
	// Output:
	// while it serves
	//   handover_shutdown_connections: 5
	//   handover_shutdown_requests_in_flight: 1
	// when it has stopped
	//   handover_shutdown_connections: 5
	//   handover_shutdown_connections_closed: 2
	//   handover_shutdown_cut: 3
	//   handover_shutdown_last_new_seconds: 1
	//   handover_shutdown_requests: 2
	//   handover_shutdown_requests_in_flight: 1
	//   handover_shutdown_step_seconds: 3
}
