//go:build !race

// Command dskitserver is a server of github.com/grafana/dskit, which has its own
// gRPC server, handler of signals and graceful stop: 30 seconds for HTTP, and
// gRPC after that for as long as it takes. It has no readiness.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"strconv"

	"github.com/grafana/dskit/server"

	"github.com/handover-go/handover/interop/torture/internal/app"
)

func main() {
	f := app.Parse()
	cfg, err := config(f)
	if err != nil {
		log.Fatal(err)
	}
	srv, err := server.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	if err := run(srv, f); err != nil {
		log.Fatal(err)
	}
}

func run(srv *server.Server, f app.Flags) error {
	defer srv.Shutdown() // as New asks for
	service := f.Service()
	srv.HTTP.PathPrefix("/").Handler(service.Handler())
	service.Register(srv.GRPC)
	like, err := f.Server(nil)
	if err != nil {
		return err
	}
	srv.HTTPServer.Protocols, srv.HTTPServer.TLSConfig = like.Protocols, like.TLSConfig
	go func() { log.Fatal(f.ServeReady(nil)) }()
	return srv.Run()
}

// config is dskit's own, but for its time-outs: they would end an upload or an
// event stream after 30 seconds, stop or no stop.
func config(f app.Flags) (server.Config, error) {
	var cfg server.Config
	cfg.RegisterFlags(flag.NewFlagSet("", flag.ContinueOnError))
	cfg.HTTPServerReadTimeout, cfg.HTTPServerWriteTimeout = 0, 0
	if err := cfg.LogLevel.Set("warn"); err != nil {
		return cfg, err
	}
	if f.GRPC == "" {
		f.GRPC = "127.0.0.1:0" // it cannot be without
	}
	for addr, to := range map[string]struct {
		host *string
		port *int
	}{
		f.Addr: {&cfg.HTTPListenAddress, &cfg.HTTPListenPort},
		f.GRPC: {&cfg.GRPCListenAddress, &cfg.GRPCListenPort},
	} {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return cfg, fmt.Errorf("dskitserver: read address: %w", err)
		}
		*to.host = host
		if *to.port, err = strconv.Atoi(port); err != nil {
			return cfg, fmt.Errorf("dskitserver: read address: %w", err)
		}
	}
	return cfg, nil
}
