package guard_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
)

// A service whose new checkout fails always. Whoever is in the rollout is hurt three
// times; then the flag is killed.
func Example() {
	c := flags.New(flags.Static(`{"flags": {"new-checkout": {
	  "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"
	}}}`), flags.Config{Logger: slog.New(slog.DiscardHandler)}, newCheckout)
	if err := c.Start(context.Background()); err != nil {
		log.Fatal(err)
	}
	g, err := guard.New(newCheckout, guard.Config{MaxErrors: 0.01})
	if err != nil {
		log.Fatal(err)
	}
	placeNew := func(context.Context) (string, error) { return "", errors.New("no such column") }
	placeOld := func(context.Context) (string, error) { return "order 4711", nil }

	for _, user := range []string{"ada", "bob", "cyd", "dan", "eve"} {
		ctx := c.Pin(context.Background(), flags.Subject{Key: user})
		order, err := guard.Do(ctx, g, placeNew, placeOld)
		fmt.Println(order, err)
		if v := g.Verdict(); v.State == guard.Tripped { // a ramp asks once a second
			if err := c.Kill(newCheckout.Key(), v.Why); err != nil {
				log.Fatal(err)
			}
		}
	}
	fmt.Println(g.Verdict().State)
	// Output:
	//  no such column
	//  no such column
	//  no such column
	// order 4711 <nil>
	// order 4711 <nil>
	// tripped
}

// Whole routes are guarded by what their handlers answer.
func ExampleGuard_Middleware() {
	g, err := guard.New(newCheckout, guard.Config{Fallback: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	newHandler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("index out of range") })
	oldHandler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "order 4711") })
	route := g.Middleware(newHandler, oldHandler) // behind flags.Client.Middleware, which pins

	w := httptest.NewRecorder()
	ctx := newCheckout.With(context.Background(), true)
	route.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/orders", http.NoBody))
	fmt.Println(w.Code, w.Body)
	fmt.Println(g.Verdict().Metrics[0].New)
	// Output:
	// 200 order 4711
	// {1 1}
}

// A new path may be well by its errors and bad for the business.
func ExampleGuard_Record() {
	g, err := guard.New(newCheckout, guard.Config{Metrics: map[string]float64{"checkout-completed": 0.3}})
	if err != nil {
		log.Fatal(err)
	}
	ctx := newCheckout.With(context.Background(), true)
	for n := range 60 {
		g.Record(ctx, "checkout-completed", n%5 < 2) // three of five give up
	}
	fmt.Println(g.Verdict().Why)
	// Output: checkout-completed of the new arm: 36 of 60, bound 30%, evidence 11,128 of 2,000
}

// What instances publish is judged as one.
func ExampleJudge() {
	judge, err := guard.NewJudge(guard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	for range 3 { // instances
		g, err := guard.New(newCheckout, guard.Config{})
		if err != nil {
			log.Fatal(err)
		}
		ctx := newCheckout.With(context.Background(), true)
		for range 100 {
			_, _ = guard.Do(ctx, g, func(context.Context) (int, error) { return 1, nil }, nil)
		}
		judge.Add(g.Take())
	}
	v := judge.Verdict()
	fmt.Println(v.State, v.Step)
	// Output: passing 300
}
