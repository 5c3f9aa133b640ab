package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/handover-go/handover/shutdown/droptest"
)

// What is deployed.
const (
	serviceComplete = "complete"
	serviceSmall    = "small"
)

func parse(args []string, errs io.Writer) (options, error) {
	o := options{
		fleet: droptest.Config{Replicas: 3, Warmup: 5 * time.Second, Settle: 3 * time.Second},
		mode:  modeHandover, replicas: 3, bake: 5 * time.Second, progress: 8 * time.Second,
	}
	var quick, naive, unhandled bool
	flags := flag.NewFlagSet("rollout", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.StringVar(&o.strategy, "strategy", "rolling", "rolling, bluegreen, canary, schema or all")
	flags.StringVar(&o.service, "service", "", "what is deployed: complete, which needs PostgreSQL; or small, the README's program, for rolling only, and its default")
	flags.StringVar(&o.program, "program", "", "a built examples/complete, instead of building it: `file`")
	flags.StringVar((*string)(&o.fleet.Kind), "kind", string(droptest.Layer4), "balancer of rolling: layer4 spreads connections, proxy spreads requests")
	flags.StringVar(&o.fleet.Listen, "listen", "127.0.0.1:0", "address of the balancer; port 0 is a free one")
	flags.DurationVar(&o.fleet.Lag, "lag", time.Second, "from SIGTERM, or a switch, until the balancer stops sending")
	flags.DurationVar(&o.fleet.RTT, "rtt", 2*time.Millisecond, "round trip between balancer and service, of rolling")
	flags.IntVar(&o.fleet.Rate, "rate", 200, "requests per second")
	flags.Float64Var(&o.fleet.NewShare, "new", 1.0/3, "share of the requests that come on a new connection")
	flags.Uint64Var(&o.fleet.Seed, "seed", 1, "of the arrival times")
	flags.BoolVar(&quick, "quick", false, "shorter pauses: all within three minutes")
	flags.BoolVar(&naive, "naive", false, "as most do it: Shutdown at the signal, switch and kill, no analysis, rename in one deploy")
	flags.BoolVar(&unhandled, "unhandled", false, "the service does not handle the signal; rolling only")
	flags.BoolVar(&o.json, "json", false, "print the result as one JSON object on the last line")
	if err := flags.Parse(args); err != nil {
		return o, err // has been printed, with the usage
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: only flags are understood, see -help", flags.Arg(0))
	}
	if naive && unhandled {
		return o, errors.New("-naive and -unhandled exclude each other: use one")
	}
	if naive {
		o.mode = modeNaive
	}
	if unhandled {
		o.mode = modeUnhandled
	}
	if o.service == "" {
		o.service = serviceComplete
		if o.strategy == "rolling" {
			o.service = serviceSmall
		}
	}
	if quick {
		o.fleet.Warmup, o.fleet.Settle = 2*time.Second, 200*time.Millisecond
		o.replicas = 2
		o.bake, o.progress = 1500*time.Millisecond, 4*time.Second
	}
	return o, errors.Join(o.check(), check(o.fleet))
}

func (o options) check() error {
	switch {
	case o.strategy != strategyAll && !slices.Contains(strategies(), o.strategy):
		return fmt.Errorf("-strategy is %q: use %s or %s", o.strategy, strings.Join(strategies(), ", "), strategyAll)
	case o.service != serviceComplete && o.service != serviceSmall:
		return fmt.Errorf("-service is %q: use %q or %q", o.service, serviceComplete, serviceSmall)
	case o.strategy != "rolling" && (o.service == serviceSmall || o.mode == modeUnhandled):
		return fmt.Errorf("-strategy is %s: -unhandled and -service small are for rolling", o.strategy)
	}
	return nil
}

// check speaks of flags, where droptest would of fields in which 0 stands for the
// default.
func check(c droptest.Config) error {
	switch {
	case c.Kind != droptest.Layer4 && c.Kind != droptest.Proxy:
		return fmt.Errorf("-kind is %q: use %q or %q", c.Kind, droptest.Layer4, droptest.Proxy)
	case c.Rate < 1 || c.Rate > mostRate:
		return fmt.Errorf("-rate is %d: use requests per second, 1 to %d", c.Rate, mostRate)
	case c.Lag < 0:
		return fmt.Errorf("-lag is %v: use 0 for none, or up to about 3s", c.Lag)
	case c.RTT < 0:
		return fmt.Errorf("-rtt is %v: use 0 for none, or up to about 20ms", c.RTT)
	case c.NewShare < 0 || c.NewShare > 1:
		return fmt.Errorf("-new is %v: use a share between 0 and 1", c.NewShare)
	}
	return nil
}

// none says 0 as droptest understands it.
func none[N time.Duration | float64](n N) N {
	if n == 0 {
		return -1
	}
	return n
}
