// Command httpserver stops as the documentation of net/http has it: at the signal.
package main

import (
	"context"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/handover-go/handover/interop/migrate/internal/service"
)

func main() {
	if err := run(service.Parse()); err != nil {
		log.Fatal(err)
	}
}

func run(at service.Addresses) error {
	pool := service.Open()
	defer pool.Close()
	api := &http.Server{Addr: at.API, Handler: service.API(pool)}
	admin := &http.Server{Addr: at.Admin, Handler: service.AlwaysReady()}

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
