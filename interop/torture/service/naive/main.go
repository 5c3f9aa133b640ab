// Command naive is what is found in most programs: http.Server.Shutdown and
// GracefulStop at the signal.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/handover-go/handover/interop/torture/internal/app"
)

func main() {
	f := app.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()

	service := f.Service()
	api, err := f.Server(service.Handler())
	if err != nil {
		log.Fatal(err)
	}
	rpc, _ := service.RPC()
	go func() { log.Fatal(f.ServeReady(nil)) }()
	go func() {
		if err := app.ListenAndServe(api); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	if f.GRPC != "" {
		ln, err := f.ListenRPC()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			if err := rpc.Serve(ln); err != nil {
				log.Fatal(err)
			}
		}()
	}
	<-ctx.Done()

	limited, cancel := context.WithTimeout(context.Background(), f.Grace-2*time.Second)
	defer cancel()
	go func() {
		<-limited.Done()
		rpc.Stop()
	}()
	err = api.Shutdown(limited)
	rpc.GracefulStop()
	if err != nil {
		log.Fatal(err)
	}
}
