package probes_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/handover-go/handover/probes"
)

func status(handler http.Handler, path string) int {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Code
}

// A program hands Run, Ready and Drain to whatever starts and stops it: Run
// first, Ready last, Drain first of all when it stops.
func Example() {
	ping := func(context.Context) error { return nil } // pool.Ping, say

	health := probes.New(probes.Config{})
	err := health.Add(
		probes.Check{Name: "postgres", Kind: probes.Readiness, Scope: probes.Shared, Run: ping},
		probes.Check{Name: "disk", Kind: probes.Readiness, Scope: probes.Local, Interval: time.Minute, Run: ping},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	admin := health.Handler() // to be served on a port of its own

	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- health.Run(ctx) }()
	fmt.Println("starting:", status(admin, "/startupz"), status(admin, "/readyz"))

	_ = health.Ready(ctx)
	for status(admin, "/readyz") != http.StatusOK { // a prober comes back
		<-time.After(time.Millisecond)
	}
	fmt.Println("serving: ", status(admin, "/startupz"), status(admin, "/readyz"))

	cancel()
	fmt.Println("stopped: ", <-ended)
	// Output:
	// starting: 503 503
	// serving:  200 200
	// stopped:  <nil>
}

func ExampleSet_Add() {
	health := probes.New(probes.Config{})
	fmt.Println(health.Add(
		probes.Check{Name: "postgres", Kind: probes.Liveness, Scope: probes.Shared, Run: func(context.Context) error {
			return errors.New("not even asked")
		}},
	))
	// Output:
	// probes: add check 1, "postgres": a shared check on liveness restarts every instance at once and heals none: make it a readiness check
}

// After Drain the instance is not ready, and lives. Drain returns when that has
// got around; only then may a server stop to accept.
func ExampleSet_Drain() {
	health := probes.New(probes.Config{Delay: 10 * time.Millisecond})
	admin := health.Handler()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // the grace period
	defer cancel()

	_ = health.Ready(ctx)
	fmt.Println("serving: ", status(admin, "/livez"), status(admin, "/readyz"))
	_ = health.Drain(ctx)
	fmt.Println("draining:", status(admin, "/livez"), status(admin, "/readyz"))
	// Output:
	// serving:  200 200
	// draining: 200 503
}
