package probes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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

// A gate holds the start back until something is there, and says how far it is.
func ExampleSet_Gate() {
	health := probes.New(quietly())
	cache, err := health.Gate("cache-warm", probes.Startup)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = health.Ready(context.Background())
	cache.Progress(3, 5)
	fmt.Print(body(health.Handler(), "/startupz"))
	cache.Open()
	fmt.Print(body(health.Handler(), "/startupz"))
	// Output:
	// {"status":"fail","reason":"starting","checks":{"cache-warm":{"status":"fail","reason":"closed","done":3,"total":5}}}
	// {"status":"pass","checks":{"cache-warm":{"status":"pass","done":5,"total":5}}}
}

// A toggle takes an instance out of traffic by hand, and leaves it alive.
func ExampleSet_Toggle() {
	health := probes.New(quietly())
	maintenance, err := health.Toggle("maintenance")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = health.Ready(context.Background())
	maintenance.Switch(true)
	fmt.Print(body(health.Handler(), "/readyz"))
	fmt.Println(status(health.Handler(), "/livez"))
	// Output:
	// {"status":"fail","checks":{"maintenance":{"status":"fail","reason":"on"}}}
	// 200
}

// People see why, on an address of their own.
func ExampleSet_AdminHandler() {
	health := probes.New(quietly())
	cache, _ := health.Gate("cache-warm", probes.Startup)
	_ = health.Ready(context.Background())
	cache.Fail(&probes.ReasonError{Reason: "no-snapshot", Err: errors.New("bucket app-cache: access denied")})

	var seen struct{ Status, Reason, Error string }
	_ = json.Unmarshal([]byte(body(health.AdminHandler(), "/startupz/cache-warm")), &seen)
	fmt.Println("people read:", seen.Status, seen.Reason, "for", seen.Error)
	fmt.Print("probers read: ", body(health.Handler(), "/startupz"))
	// Output:
	// people read: fail no-snapshot for no-snapshot: bucket app-cache: access denied
	// probers read: {"status":"fail","reason":"starting","checks":{"cache-warm":{"status":"fail","reason":"no-snapshot"}}}
}

// Follow tells those that cannot ask, such as a registry.
func ExampleSet_Follow() {
	health := probes.New(quietly())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		ended <- health.Follow(ctx, func(kind probes.Kind, status probes.Status) {
			fmt.Println(kind, status)
			if kind == probes.Liveness {
				_ = health.Ready(ctx)
			}
			if kind == probes.Readiness && status == probes.Pass {
				cancel()
			}
		})
	}()
	fmt.Println(<-ended)
	// Output:
	// startup fail
	// readiness fail
	// liveness pass
	// startup pass
	// readiness pass
	// <nil>
}

func body(handler http.Handler, path string) string {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Body.String()
}

func quietly() probes.Config { return probes.Config{Logger: slog.New(slog.DiscardHandler)} }
