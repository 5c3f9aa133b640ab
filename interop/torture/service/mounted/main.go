// Command mounted is handover with gRPC behind an http.Server of its own, by
// grpc.Server.ServeHTTP: it lingers by the same evidence as everything else, where
// GracefulStop closes its listener at once and depends on the shutdown delay being
// longer than the lag.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/handover-go/handover/interop/torture/internal/app"
	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/shutdown"
)

func main() {
	f := app.Parse()
	if err := run(f); err != nil {
		log.Fatal(err)
	}
}

func run(f app.Flags) error {
	ctx, stop := shutdown.Notify(context.Background())
	defer stop()

	service := f.Service()
	service.Draining = shutdown.Draining
	server, err := f.Server(service.Handler())
	if err != nil {
		return err
	}
	methods, checks := service.RPC()
	rpcServer := &http.Server{Addr: f.GRPC, Handler: methods, Protocols: new(http.Protocols)}
	rpcServer.Protocols.SetUnencryptedHTTP2(true)

	health := probes.New(probes.Config{Delay: f.Delay})
	admin := shutdown.HTTP(f.AdminServer(health.Handler()), shutdown.Config{})
	api := shutdown.HTTP(server, shutdown.Config{})
	rpc := shutdown.HTTP(rpcServer, shutdown.Config{})

	app := lifecycle.New(lifecycle.Config{GracePeriod: f.Grace})
	app.Add(
		lifecycle.Component{Name: "checks", Run: health.Run},
		lifecycle.Component{Name: "admin", Start: admin.Listen, Run: admin.Serve, Stop: admin.Close},
	)
	app.Together(
		lifecycle.Component{Name: "api", Start: api.Listen, Run: api.Serve, Stop: api.Shutdown},
		lifecycle.Component{Name: "rpc", Start: rpc.Listen, Run: rpc.Serve, Stop: rpc.Shutdown},
	)
	app.Together(
		lifecycle.Component{Name: "ready", Start: health.Ready, Stop: health.Drain},
		lifecycle.Component{Name: "rpc health", Stop: lifecycle.Call(checks.Shutdown)},
	)
	return app.Run(ctx)
}
