//go:build !race

// Command handwritten uses no library. It does by hand what the better guides
// say: readiness off, a pause that a balancer should need to notice, Shutdown
// with a limit.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/handover-go/handover/interop/torture/internal/app"
	"github.com/handover-go/handover/interop/torture/peers/internal/serve"
)

const pause = 2 * time.Second

func main() {
	f := app.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	rpc, err := serve.ListenRPC(f)
	if err != nil {
		log.Fatal(err)
	}
	api, err := f.Server(f.Service().Handler())
	if err != nil {
		log.Fatal(err)
	}

	go func() { log.Fatal(f.ServeReady(func() bool { return ctx.Err() == nil })) }()
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
	limited, cancel := context.WithTimeout(context.Background(), f.Grace-time.Second)
	defer cancel()
	time.Sleep(pause)
	var apiErr, rpcErr error
	var both sync.WaitGroup
	both.Go(func() { apiErr = api.Shutdown(limited) })
	both.Go(func() { rpcErr = rpc.Stop(limited) })
	both.Wait()
	if err := errors.Join(apiErr, rpcErr); err != nil {
		log.Fatal(err)
	}
}
