package ramp_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/ramp"
)

// A flag that the file says has a timetable, and a new path that fails: the guard takes
// it away, in this process.
func Example() {
	file := flags.Static(`{"flags": {"new-checkout": {
		"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"x-ramp": {"steps": [5, 20, 100], "bake": "10m", "start": "2026-01-01T09:00:00Z"}}}}`)
	client := flags.New(ramp.Scheduled(file, silent), flags.Config{Logger: silent}, newCheckout)
	g, err := guard.New(newCheckout, guard.Config{MaxErrors: 0.01})
	if err != nil {
		fmt.Println(err)
		return
	}
	member := ramp.New(client, nil, ramp.Config{Tick: 10 * time.Millisecond, Logger: silent}, ramp.Plan{Flag: newCheckout, Guard: g})

	// What lifecycle does: Start in order, Run side by side, and Leave at the end.
	ctx, stop := context.WithCancel(context.Background())
	if err := errors.Join(client.Start(ctx), member.Start(ctx)); err != nil {
		fmt.Println(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- member.Run(ctx) }()

	broken := func(context.Context) (string, error) { return "", errors.New("no such table") }
	proven := func(context.Context) (string, error) { return "an order", nil }
	order, hurt := "", 0
	for n := 0; order == ""; n++ { // all are for the new path, as the last step is long ago
		request := client.Pin(ctx, flags.Subject{Key: "user-" + strconv.Itoa(n)})
		if order, err = guard.Do(request, g, broken, proven); err != nil {
			hurt++
		}
	}
	fmt.Println(order, err, hurt > 0, member.Status().Ramps[0].Verdicts[member.Status().ID].State)
	stop()
	fmt.Println(errors.Join(<-ended, member.Leave(context.Background())))
	// Output:
	// an order <nil> true tripped
	// <nil>
}
