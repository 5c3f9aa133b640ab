//go:build !race

// Command ctrlruntime is a manager of sigs.k8s.io/controller-runtime, whose
// probes stay green until it exits, and which gives everything 30 seconds. It
// watches nothing, and so asks no API server.
package main

import (
	"context"
	"crypto/tls"
	"log"
	"net"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/handover-go/handover/interop/torture/internal/app"
	"github.com/handover-go/handover/interop/torture/peers/internal/serve"
)

func main() {
	f := app.Parse()
	if err := run(signals.SetupSignalHandler(), f); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, f app.Flags) error {
	crlog.SetLogger(logr.Discard())
	mgr, err := manager.New(&rest.Config{Host: "127.0.0.1:1"}, manager.Options{
		Metrics:                metrics.Options{BindAddress: "0"}, // none
		HealthProbeBindAddress: f.Admin,
	})
	if err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	api, err := newServer(ctx, f)
	if err != nil {
		return err
	}
	rpc, err := serve.ListenRPC(f)
	if err != nil {
		return err
	}
	serveRPC := func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { _ = rpc.Stop(context.Background()) }) // the manager bounds it
		defer stop()
		return rpc.Serve()
	}
	for _, runnable := range []manager.Runnable{api, manager.RunnableFunc(serveRPC)} {
		if err := mgr.Add(runnable); err != nil {
			return err
		}
	}
	return mgr.Start(ctx)
}

// newServer opens the listener itself because manager.Server knows no TLS.
func newServer(ctx context.Context, f app.Flags) (*manager.Server, error) {
	srv, err := f.Server(f.Service().Handler())
	if err != nil {
		return nil, err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", f.Addr)
	if err != nil {
		return nil, err
	}
	if srv.TLSConfig != nil {
		srv.TLSConfig.NextProtos = []string{"h2", "http/1.1"}
		ln = tls.NewListener(ln, srv.TLSConfig)
	}
	return &manager.Server{Name: "api", Server: srv, Listener: ln}, nil
}
