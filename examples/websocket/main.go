// Websocket is a service with connections that last: a WebSocket that echoes, and
// server-sent events. At the signal each says goodbye in its own words, between
// two messages, and its client comes back to another instance.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/coder/websocket"

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
	mux.HandleFunc("GET /echo", echo)
	mux.HandleFunc("GET /events", events)
	return mux
}

// echo is blocked in Read when the drain begins, so somebody else has to close
// the connection: with 1001, "going away", which clients take for what it is. It
// waits for the client's answer; what the client sent before is still read.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = c.CloseNow() }()
	defer shutdown.OnDraining(r.Context(), func() { _ = c.Close(websocket.StatusGoingAway, "restarting") })()

	ctx := context.WithoutCancel(r.Context()) // a message in hand is answered
	for {
		kind, message, err := c.Read(ctx)
		if err != nil {
			return
		}
		if err := c.Write(ctx, kind, message); err != nil {
			return
		}
	}
}

// events selects, so it can say goodbye itself. "retry" spreads those who come
// back.
func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; ; n++ {
		_, _ = fmt.Fprintf(w, "id: %d\ndata: event %d\n\n", n, n)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-shutdown.Draining(r.Context()):
			_, _ = fmt.Fprint(w, "retry: 100\nevent: bye\ndata: restarting\n\n")
			return
		case <-r.Context().Done():
			return
		}
	}
}
