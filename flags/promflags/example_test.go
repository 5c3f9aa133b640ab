package promflags_test

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/promflags"
)

func ExampleNew() {
	checkout := flags.Bool("new-checkout", false)
	fl := flags.New(flags.Static(`{"flags": {"new-checkout": {
		"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"
	}}}`), flags.Config{}, checkout)
	registry := prometheus.NewRegistry()
	registry.MustRegister(promflags.New(fl, promflags.Config{}))

	ctx := context.Background()
	if err := fl.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	checkout.On(fl.Pin(ctx, flags.Subject{Key: "anna"}))

	families, err := registry.Gather() // a scrape
	for _, family := range families {
		if m := family.GetMetric()[0]; m.GetCounter().GetValue() > 0 {
			fmt.Println(family.GetName(), m.GetCounter().GetValue())
			for _, label := range m.GetLabel() {
				fmt.Printf("  %s=%q\n", label.GetName(), label.GetValue())
			}
		}
	}
	fmt.Println(err)
	// Output:
	// handover_flags_evaluations_total 1
	//   client="client"
	//   flag="new-checkout"
	//   reason="STATIC"
	//   variant="on"
	// <nil>
}
