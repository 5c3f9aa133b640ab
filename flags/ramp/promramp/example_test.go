package promramp_test

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/flags/ramp/promramp"
)

func ExampleNew() {
	checkout := flags.Bool("new-checkout", false)
	client := flags.New(flags.Static(`{"flags": {}}`), flags.Config{}, checkout)
	member := ramp.New(client, nil, ramp.Config{}, ramp.Plan{Flag: checkout, Steps: []float64{5, 20, 50, 100}})
	registry := prometheus.NewRegistry()
	registry.MustRegister(promramp.New(member, promramp.Config{}))

	families, err := registry.Gather() // a scrape, of a ramp that has not begun
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "handover_ramp_state" && m.GetGauge().GetValue() == 1 {
				for _, label := range m.GetLabel() {
					fmt.Printf("%s=%q\n", label.GetName(), label.GetValue())
				}
			}
		}
	}
	fmt.Println(err)
	// Output:
	// flag="new-checkout"
	// member="member"
	// state="new"
	// <nil>
}
