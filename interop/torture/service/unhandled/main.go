// Command unhandled does not handle the signal.
package main

import (
	"log"

	"github.com/handover-go/handover/interop/torture/internal/app"
)

func main() {
	f := app.Parse()
	service := f.Service()
	api, err := f.Server(service.Handler())
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(f.ServeReady(nil)) }()
	if f.GRPC != "" {
		rpc, _ := service.RPC()
		ln, err := f.ListenRPC()
		if err != nil {
			log.Fatal(err)
		}
		go func() { log.Fatal(rpc.Serve(ln)) }()
	}
	log.Fatal(app.ListenAndServe(api))
}
