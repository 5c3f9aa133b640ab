package promdbcompat_test

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/dbcompat/change/walk"
	"github.com/handover-go/handover/dbcompat/promdbcompat"
)

func ExampleNew() {
	column := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}
	ch := change.New(nil, "users-name", column.Columns(), change.Config{}) // with a pool, and joined
	registry := prometheus.NewRegistry()
	registry.MustRegister(promdbcompat.New(ch, promdbcompat.Config{Name: "users-name"}))

	families, err := registry.Gather() // a scrape
	for _, family := range families {
		for _, m := range family.GetMetric() {
			fmt.Println(family.GetName(), len(m.GetLabel()), m.GetGauge().GetValue())
			break
		}
	}
	fmt.Println(err)
	// Output:
	// handover_dbcompat_acknowledged_epoch 1 0
	// handover_dbcompat_epoch 1 0
	// handover_dbcompat_failing 1 0
	// handover_dbcompat_held 1 0
	// handover_dbcompat_joined 1 0
	// handover_dbcompat_lease_left_seconds 1 0
	// handover_dbcompat_pins 2 0
	// handover_dbcompat_ready 1 0
	// handover_dbcompat_stage 2 0
	// <nil>
}

// One process of a fleet, or each, asks the database as well; Run is a component's.
func ExampleNewFleet() {
	fleet := promdbcompat.NewFleet(walk.New(nil, "users-name", walk.Config{}), promdbcompat.FleetConfig{Name: "users-name"}) // with a pool
	registry := prometheus.NewRegistry()
	registry.MustRegister(fleet)

	families, err := registry.Gather() // a scrape, before the first look
	for _, family := range families {
		fmt.Println(family.GetName(), family.GetMetric()[0].GetGauge().GetValue())
	}
	fmt.Println(err)
	// Output:
	// handover_dbcompat_fleet_failing 0
	// <nil>
}
