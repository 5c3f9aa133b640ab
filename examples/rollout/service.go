package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/shutdown"
)

// The service is told by its environment what to be.
const (
	envMode    = "HANDOVER_ROLLOUT_SERVICE"
	envVersion = "HANDOVER_ROLLOUT_VERSION"
	envAPI     = "HANDOVER_ROLLOUT_API"
	envProbes  = "HANDOVER_ROLLOUT_PROBES"
)

const (
	modeHandover  = "handover"  // the README's list
	modeNaive     = "naive"     // http.Server.Shutdown at the signal
	modeUnhandled = "unhandled" // no signal handling
)

// slowly is how long a slow request takes.
const slowly = time.Second

func serviceMain(mode string) int {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	api := &http.Server{Addr: os.Getenv(envAPI), Handler: newAPI(os.Getenv(envVersion))}
	serve := map[string]func(api *http.Server, probesAddr string) error{
		modeHandover:  serveHandover,
		modeNaive:     serveNaive,
		modeUnhandled: serveUnhandled,
	}[mode]
	if serve == nil {
		slog.Error("unknown mode of the service", envMode, mode)
		return exitWrongInput
	}
	if err := serve(api, os.Getenv(envProbes)); err != nil {
		slog.Error("the service has failed", "err", err)
		return 1
	}
	return 0
}

// serveHandover is the program of the README, and tells on its standard output
// how the stop went.
func serveHandover(apiServer *http.Server, probesAddr string) error {
	ctx, stop := shutdown.Notify(context.Background())
	defer stop()

	health := probes.New(probes.Config{})
	admin := shutdown.HTTP(&http.Server{Addr: probesAddr, Handler: health.Handler()}, shutdown.Config{})
	api := shutdown.HTTP(apiServer, shutdown.Config{})

	app := lifecycle.New(lifecycle.Config{GracePeriod: 30 * time.Second})
	app.Add(
		lifecycle.Component{Name: "checks", Run: health.Run},
		lifecycle.Component{Name: "admin", Start: admin.Listen, Run: admin.Serve, Stop: admin.Close},
		lifecycle.Component{Name: "api", Start: api.Listen, Run: api.Serve, Stop: api.Shutdown},
		lifecycle.Component{Name: "ready", Start: health.Ready, Stop: health.Drain},
	)
	err := app.Run(ctx)
	return errors.Join(err, json.NewEncoder(os.Stdout).Encode(api.Report()))
}

// serveNaive is what is found in most programs: at the signal no new connection
// is accepted, and what is in flight has time to finish.
func serveNaive(api *http.Server, probesAddr string) error {
	ctx, stop := shutdown.Notify(context.Background())
	defer stop()
	go alwaysReady(probesAddr)

	failed := make(chan error, 1)
	go func() { failed <- api.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 28*time.Second)
	defer cancel()
	return api.Shutdown(limited)
}

func serveUnhandled(api *http.Server, probesAddr string) error {
	go alwaysReady(probesAddr)
	return api.ListenAndServe()
}

func alwaysReady(addr string) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	if err := http.ListenAndServe(addr, mux); err != nil {
		slog.Error("probes", "err", err)
	}
}

// newAPI answers GET and POST with its version, one path after a second.
func newAPI(version string) http.Handler {
	answer := func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			http.Error(w, "the body could not be read", http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Version", version)
		fmt.Fprintf(w, "%s read %d bytes\n", version, n)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", answer)
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(slowly):
			answer(w, r)
		case <-r.Context().Done():
		}
	})
	return mux
}
