package strategy

import (
	"context"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/site"
)

// The strategies, and all of them.
const (
	Rolling   = "rolling"
	BlueGreen = "bluegreen"
	Canary    = "canary"
	Schema    = "schema"
	All       = "all"
)

// Names are the strategies, in their order.
func Names() []string { return []string{Rolling, BlueGreen, Canary, Schema} }

// Naive says what is naive in a strategy, if it is done as most do it.
func Naive(name string) string {
	return map[string]string{
		Rolling:   "http.Server.Shutdown at the signal",
		BlueGreen: "switch and kill",
		Canary:    "no analysis, and nobody who answers for a canary",
		Schema:    "the column is renamed in one deploy",
	}[name]
}

// Deploy does one of Names. The result is what there is, also with an error, which says
// that the deployment has not come to its end.
func Deploy(ctx context.Context, name string, w *site.World, o site.Options, screen site.Screen) (Result, error) {
	ways := map[string]func(context.Context, *site.World, site.Options, site.Screen) (Result, error){
		Rolling: rolling, BlueGreen: blueGreen, Canary: canary, Schema: schema,
	}
	return ways[name](ctx, w, o, screen)
}

// What the pauses leave out, on a machine of today.
const (
	starts = time.Second             // processes, until they are ready
	drains = 5 * time.Second         // processes, from the signal to the exit
	moves  = 1500 * time.Millisecond // the fleet, to another stage
)

// Takes is how long a strategy is going to take, from its pauses.
func Takes(name string, o site.Options) time.Duration {
	begin := starts + max(o.Warmup, o.Lag)
	roll := time.Duration(o.Replicas)*(starts+o.Settle) + drains
	step := o.Lag + o.Bake
	change := starts + o.Lag + o.Settle + drains // of a canary, without its steps
	switch name {
	case Rolling:
		return begin + roll + o.Deadline + drains
	case BlueGreen:
		return begin + starts + 4*o.Lag + 3*o.Warmup/2 + drains + time.Second + drains
	case Canary:
		return begin + 2*change + 5*step + drains
	}
	return begin + 5*(moves+o.Settle) + 4*roll + drains
}
