// Command rungroup is a group of actors of github.com/oklog/run.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"syscall"
	"time"

	"github.com/oklog/run"

	"github.com/handover-go/handover/interop/migrate/internal/service"
)

func main() {
	if err := serve(service.Parse()); !errors.Is(err, run.ErrSignal) {
		log.Fatal(err)
	}
}

func serve(at service.Addresses) error {
	pool := service.Open()
	api := &http.Server{Addr: at.API, Handler: service.API(pool)}
	admin := &http.Server{Addr: at.Admin, Handler: service.AlwaysReady()}
	closed := make(chan struct{})

	var g run.Group
	g.Add(run.SignalHandler(context.Background(), syscall.SIGTERM))
	g.Add(func() error { <-closed; return nil }, func(error) { pool.Close(); close(closed) })
	g.Add(admin.ListenAndServe, func(error) { shut(admin) })
	g.Add(api.ListenAndServe, func(error) { shut(api) })
	return g.Run()
}

func shut(server *http.Server) {
	limited, cancel := context.WithTimeout(context.Background(), 28*time.Second)
	defer cancel()
	if err := server.Shutdown(limited); err != nil {
		log.Print(err)
	}
}
