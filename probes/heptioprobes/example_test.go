package heptioprobes_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/heptiolabs/healthcheck"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/heptioprobes"
)

// In the program that has used the original one line changes; the set's Run, Ready and
// Drain go where the program starts and stops things.
func Example() {
	set := probes.New(probes.Config{})
	health := heptioprobes.New(set, heptioprobes.Config{}) // was healthcheck.NewHandler()
	health.AddLivenessCheck("goroutine-threshold", healthcheck.GoroutineCountCheck(10_000))
	health.AddReadinessCheck("Upstream", func() error { return errors.New("dial 10.0.0.7:5432: refused") })

	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- set.Run(ctx) }()
	_ = set.Ready(ctx)
	for errors.Is(heptioprobes.Peek(set, "upstream")(), healthcheck.ErrNoData) {
		<-time.After(time.Millisecond)
	}

	response := ask(health, http.MethodGet, "/ready?full=1")
	fmt.Println(response.Code)
	fmt.Print(response.Body)
	cancel()
	fmt.Println(<-ended)
	// Output:
	// 503
	// {
	//     "Upstream": "error",
	//     "goroutine-threshold": "OK"
	// }
	// <nil>
}

func ExampleHandler_Err() {
	health := heptioprobes.New(probes.New(probes.Config{}), heptioprobes.Config{})
	health.AddLivenessCheck("upstream", healthcheck.TCPDialCheck("upstream:5432", time.Second))
	fmt.Println(health.Err())
	// Output:
	// heptioprobes: add liveness check "upstream": probes: add check 1, "upstream": a check that dials (Dials) on liveness restarts this instance when something else is broken: make it a readiness check
}

// A check whose failure must not take out all instances at once, of the catalogue and
// of what there is.
func ExampleAdapt() {
	set := probes.New(probes.Config{})
	database, err := heptioprobes.Adapt(healthcheck.DatabasePingCheck(nil, time.Second),
		probes.Check{Name: "database", Kind: probes.Readiness, Scope: probes.Shared})
	if err == nil {
		err = set.Add(database, heptioprobes.DNS("upstream", probes.Shared, "upstream.example.com", time.Second))
	}
	fmt.Println(err)
	// Output:
	// <nil>
}
