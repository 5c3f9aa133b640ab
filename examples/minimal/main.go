// Minimal is the smallest program that loses nothing when it is replaced: an
// API on :8080, and the probes on :8081.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/shutdown"
)

func main() {
	ctx, stop := shutdown.Notify(context.Background())
	defer stop()

	health := probes.New(probes.Config{})
	admin := shutdown.HTTP(&http.Server{Addr: ":8081", Handler: health.Handler()}, shutdown.Config{})
	api := shutdown.HTTP(&http.Server{Addr: ":8080", Handler: newAPI()}, shutdown.Config{})

	app := lifecycle.New(lifecycle.Config{GracePeriod: 30 * time.Second})
	app.Add(
		lifecycle.Component{Name: "checks", Run: health.Run},
		lifecycle.Component{Name: "admin", Start: admin.Listen, Run: admin.Serve, Stop: admin.Close},
		lifecycle.Component{Name: "api", Start: api.Listen, Run: api.Serve, Stop: api.Shutdown},
		lifecycle.Component{Name: "ready", Start: health.Ready, Stop: health.Drain},
	)
	if err := app.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

func newAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello, %s\n", r.PathValue("name"))
	})
	return mux
}
