//go:build unix

package main_test

import (
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/interop/torture/internal/balance"
	"github.com/handover-go/handover/interop/torture/internal/fleet"
	"github.com/handover-go/handover/interop/torture/internal/load"
	"github.com/handover-go/handover/interop/torture/internal/roll"
)

// A restart is one run and what has to come of it.
type restart struct {
	variant, balancer string
	change            func(*roll.Config)
	check             func(*testing.T, roll.Config, roll.Result)
}

func restarts() map[string]restart {
	all := map[string]restart{
		"the usual shutdown loses requests": {
			variant: "naive", balancer: "direct",
			change: func(c *roll.Config) { c.Protocols, c.Rate = []string{"GET", "POST"}, 200 },
			check: func(t *testing.T, _ roll.Config, r roll.Result) {
				require.Positive(t, r.Total().Lost) // about 20 a restart, of either
				require.Equal(t, map[string]int{"exit status 0": 3}, r.Exits)
			},
		},
		"no signal handling cuts every stream": {
			variant: "unhandled", balancer: "direct",
			change: func(c *roll.Config) { c.Restarts, c.Processes = 1, 1 },
			check: func(t *testing.T, _ roll.Config, r roll.Result) {
				require.Positive(t, r.Counts["slow"].Lost+r.Counts["h2 slow"].Lost)
				for _, protocol := range []string{"SSE", "WebSocket", "gRPC stream", "gRPC bidi"} {
					require.Positive(t, r.Counts[protocol].Cut, protocol)
				}
				require.Equal(t, map[string]int{"signal: terminated": 1}, r.Exits)
			},
		},
	}
	for _, kind := range balance.Kinds() {
		all["nothing is lost behind "+kind.Name] = restart{variant: "handover", balancer: kind.Name, check: nothingLost}
	}
	all["nothing is lost over TLS"] = restart{
		variant: "handover", balancer: "haproxy-tcp", check: nothingLost,
		change: func(c *roll.Config) { c.TLS = true },
	}
	all["nothing is lost where a gRPC server is mounted in an http.Server"] = restart{
		variant: "mounted", balancer: "direct", check: nothingLost,
		change: func(c *roll.Config) { c.Protocols = []string{"gRPC unary", "gRPC stream", "gRPC bidi"} },
	}
	return all
}

func nothingLost(t *testing.T, cfg roll.Config, r roll.Result) {
	total := r.Total()
	require.Zero(t, total.Lost, total.Reasons())
	require.Zero(t, total.Cut, total.Reasons())
	require.Equal(t, map[string]int{"exit status 0": 3}, r.Exits)
	for _, protocol := range load.Protocols() {
		asked := slices.Contains(cfg.Balancer.Ports, load.PortOf(protocol)) &&
			(len(cfg.Protocols) == 0 || slices.Contains(cfg.Protocols, protocol))
		require.Equal(t, asked, r.Counts[protocol].Requests > 0, protocol)
	}
}

// An outcome is a restart that has run.
type outcome struct {
	cfg    roll.Config
	result roll.Result
	err    error
}

// atOnce is how many restarts two cores have time for. Where they have none, clients
// come back later than any server can wait for: that is a loss, and not ours.
const atOnce = 3

func TestRestartsUnderLoad(t *testing.T) {
	programs := map[string]string{}
	for _, name := range []string{"handover", "mounted", "naive", "unhandled"} {
		program, err := variant(name).Build(t.Context(), ".", t.TempDir())
		require.NoError(t, err)
		programs[name] = program
	}
	outcomes := runAll(t, programs)
	for name, r := range restarts() {
		t.Run(name, func(t *testing.T) {
			o := outcomes[name]
			if o.cfg.Balancer.Missing() != nil && os.Getenv("CI") != "true" {
				t.Skip(o.err)
			}
			require.NoError(t, o.err)
			r.check(t, o.cfg, o.result)
		})
	}
}

func runAll(t *testing.T, programs map[string]string) map[string]*outcome {
	t.Helper()
	outcomes := map[string]*outcome{}
	var running sync.WaitGroup
	defer running.Wait()
	places := make(chan struct{}, atOnce)
	for name, r := range restarts() {
		kind, missing := kind(r.balancer)
		o := &outcome{err: missing, cfg: roll.Config{
			Variant: variant(r.variant), Program: programs[r.variant], Balancer: kind,
			Lag: time.Second, Rate: 100, Restarts: 3, Warmup: 2 * time.Second,
			Log: func(at time.Time, what string) { t.Log(name, at.Format("15:04:05.000"), what) },
		}}
		outcomes[name] = o
		if missing != nil {
			continue
		}
		if r.change != nil {
			r.change(&o.cfg)
		}
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			o.result, o.err = roll.Run(t.Context(), o.cfg)
		})
	}
	return outcomes
}

func variant(name string) fleet.Variant {
	return fleet.Variant{Name: name, Package: "service/" + name, RPC: true}
}

func kind(name string) (balance.Kind, error) {
	all := balance.Kinds()
	k := all[slices.IndexFunc(all, func(k balance.Kind) bool { return k.Name == name })]
	return k, k.Missing()
}
