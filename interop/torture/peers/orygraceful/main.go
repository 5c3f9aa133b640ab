//go:build !race

// Command orygraceful is the program of the README of github.com/ory/graceful,
// which gives a stop 5 seconds and knows no readiness.
package main

import (
	"errors"
	"log"
	"sync"

	"github.com/ory/graceful"

	"github.com/handover-go/handover/interop/torture/internal/app"
	"github.com/handover-go/handover/interop/torture/peers/internal/serve"
)

func main() {
	f := app.Parse()
	rpc, err := serve.ListenRPC(f)
	if err != nil {
		log.Fatal(err)
	}
	server, err := f.Server(f.Service().Handler())
	if err != nil {
		log.Fatal(err)
	}
	// WithDefaults would end an upload after 5 seconds and an event stream after
	// 10, stop or no stop; less than zero is for ever.
	server.ReadTimeout, server.WriteTimeout = -1, -1
	server = graceful.WithDefaults(server)
	start := server.ListenAndServe
	if f.TLS {
		start = func() error { return server.ListenAndServeTLS("", "") }
	}

	go func() { log.Fatal(f.ServeReady(nil)) }()
	var httpErr, rpcErr error
	var both sync.WaitGroup
	both.Go(func() { httpErr = graceful.Graceful(start, server.Shutdown) })
	both.Go(func() { rpcErr = graceful.Graceful(rpc.Serve, rpc.Stop) })
	both.Wait()
	if err := errors.Join(httpErr, rpcErr); err != nil {
		log.Fatal("failed to gracefully shutdown: ", err)
	}
}
