package lifecycle_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/handover-go/handover/lifecycle"
)

// pool stands for the likes of pgxpool.Pool: Close takes no context.
type pool struct{}

func (pool) Close() { fmt.Println("pool closed") }

// A program is a list: started from the top, stopped from the bottom. The last
// one is told first, while everything still serves.
func Example() {
	ctx, sigterm := context.WithCancel(context.Background())
	say := func(what string) func(context.Context) error {
		return func(context.Context) error {
			fmt.Println(what)
			return nil
		}
	}

	app := lifecycle.New(lifecycle.Config{Logger: slog.New(slog.DiscardHandler)})
	app.Add(
		lifecycle.Component{Name: "db", Stop: lifecycle.Call(pool{}.Close)},
		lifecycle.Component{Name: "api", Start: say("api listens"), Stop: say("api is drained")},
		lifecycle.Component{
			Name:  "ready",
			Start: func(context.Context) error { fmt.Println("ready"); sigterm(); return nil },
			Stop:  say("not ready any more"),
		},
	)
	fmt.Println("error:", app.Run(ctx))
	// Output:
	// api listens
	// ready
	// not ready any more
	// api is drained
	// pool closed
	// error: <nil>
}

func ExampleApp_Plan() {
	nothing := func(context.Context) error { return nil }
	app := lifecycle.New(lifecycle.Config{GracePeriod: 30 * time.Second})
	app.Add(
		lifecycle.Component{Name: "admin", Stop: nothing},
		lifecycle.Component{Name: "db", Stop: nothing},
		lifecycle.Component{Name: "jobs", Stop: nothing, StopTimeout: 10 * time.Second},
	)
	app.Together(
		lifecycle.Component{Name: "api", Stop: nothing},
		lifecycle.Component{Name: "rpc", Stop: nothing},
	)
	app.Add(lifecycle.Component{Name: "ready", Stop: nothing, StopTimeout: 11 * time.Second})

	plan, err := app.Plan()
	fmt.Println(err)
	fmt.Println(plan)
	// Output:
	// <nil>
	// stop within 28s: grace period 30s, margin 2s, reserve 1s a place
	// place  components  stopped by
	// 5      ready       11s
	// 4      api, rpc    25s
	// 3      jobs        26.5s
	// 2      db          27.25s
	// 1      admin       28s
}

// A report says what the stop took and how each component ended.
func ExampleApp_Report() {
	app := lifecycle.New(lifecycle.Config{Logger: slog.New(slog.DiscardHandler)})
	app.Add(
		lifecycle.Component{Name: "db", Stop: func(context.Context) error { panic("closed twice") }},
		lifecycle.Component{Name: "job", Run: func(context.Context) error { return nil }},
	)
	_ = app.Run(context.Background())
	for _, c := range app.Report().Components {
		fmt.Println(c.Component, c.State, c.Outcome, c.Err)
	}
	// Output:
	// job terminated stopped <nil>
	// db failed failed lifecycle: stop db: panic: closed twice
}

func ExampleCall() {
	stop := lifecycle.Call(pool{}.Close)
	fmt.Println(stop(context.Background()))
	// Output:
	// pool closed
	// <nil>
}
