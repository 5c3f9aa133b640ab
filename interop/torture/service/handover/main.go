// Command handover is a service as the library's design has it: everything that
// it serves drains at the same time, and whoever routes traffic is told first.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"

	"google.golang.org/grpc/peer"

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
	health := probes.New(probes.Config{Delay: f.Delay})
	admin := shutdown.HTTP(f.AdminServer(health.Handler()), shutdown.Config{})
	api := shutdown.HTTP(server, shutdown.Config{})

	last := []lifecycle.Component{{Name: "ready", Start: health.Ready, Stop: health.Drain}}
	serving := []lifecycle.Component{{Name: "api", Start: api.Listen, Run: api.Serve, Stop: api.Shutdown}}
	var rpc *shutdown.Server
	if f.GRPC != "" {
		calls := f.Service()
		calls.Draining = func(ctx context.Context) <-chan struct{} {
			p, ok := peer.FromContext(ctx)
			if !ok {
				return nil
			}
			return rpc.Draining(p.Addr)
		}
		server, checks := calls.RPC()
		rpc = shutdown.GRPC(server, f.GRPC, shutdown.Config{})
		serving = append(serving, lifecycle.Component{Name: "rpc", Start: rpc.Listen, Run: rpc.Serve, Stop: rpc.Shutdown})
		last = append(last, lifecycle.Component{Name: "rpc health", Stop: lifecycle.Call(checks.Shutdown)})
	}

	app := lifecycle.New(lifecycle.Config{GracePeriod: f.Grace})
	app.Add(
		lifecycle.Component{Name: "checks", Run: health.Run},
		lifecycle.Component{Name: "admin", Start: admin.Listen, Run: admin.Serve, Stop: admin.Close},
	)
	app.Together(serving...)
	app.Together(last...)
	err = app.Run(ctx)
	return errors.Join(err, json.NewEncoder(os.Stdout).Encode(api.Report()))
}
