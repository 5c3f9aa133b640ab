package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/installed"
	"github.com/handover-go/handover/examples/rollout/internal/site"
	"github.com/handover-go/handover/examples/rollout/internal/strategy"
	"github.com/handover-go/handover/shutdown/droptest"
)

// What is deployed.
const (
	serviceComplete = "complete"
	serviceSmall    = "small"
)

// line is the command line: what becomes options with what else was said.
type line struct {
	options
	quick, naive, unhandled bool
	given                   map[string]bool
}

func parse(args []string, errs io.Writer) (options, error) {
	l := line{given: map[string]bool{}}
	flags := l.flags()
	flags.SetOutput(errs)
	if err := flags.Parse(args); err != nil {
		return l.options, err // has been printed, with the usage
	}
	if flags.NArg() > 0 {
		return l.options, fmt.Errorf("unexpected argument %q: only flags are understood, see -help", flags.Arg(0))
	}
	flags.Visit(func(f *flag.Flag) { l.given[f.Name] = true })
	l.complete()
	err := errors.Join(l.check(), l.checkSmall(), check(l.fleet), l.checkReport())
	if err == nil && l.site.Balancer != site.Builtin {
		_, err = installed.Find(l.site.Balancer)
	}
	return l.options, err
}

func (l *line) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("rollout", flag.ContinueOnError)
	flags.StringVar(&l.strategy, "strategy", strategy.All, strings.Join(strategy.Names(), ", ")+" or "+strategy.All)
	flags.StringVar(&l.service, "service", serviceComplete, "what is deployed: complete, which needs PostgreSQL; or small, the README's program, rolling")
	flags.StringVar(&l.site.Program, "program", "", "a built examples/complete, instead of building it: `file`")
	flags.StringVar(&l.site.Balancer, "balancer", site.Builtin, "what the load meets: builtin, nginx or haproxy; not of the small service")
	flags.StringVar((*string)(&l.fleet.Kind), "kind", string(droptest.Layer4), "balancer of the small service: layer4 spreads connections, proxy spreads requests")
	flags.StringVar(&l.fleet.Listen, "listen", "127.0.0.1:0", "address of the balancer; port 0 is a free one")
	flags.DurationVar(&l.fleet.Lag, "lag", time.Second, "from SIGTERM, or a switch, until the balancer hears of it")
	flags.DurationVar(&l.fleet.RTT, "rtt", 2*time.Millisecond, "round trip between balancer and small service")
	flags.IntVar(&l.fleet.Rate, "rate", 200, "requests per second")
	flags.Float64Var(&l.fleet.NewShare, "new", 1.0/3, "share of the requests that come on a new connection; with nginx it is all of them")
	flags.Uint64Var(&l.fleet.Seed, "seed", 1, "of the arrival times")
	flags.BoolVar(&l.quick, "quick", false, "shorter pauses: all within three minutes")
	flags.BoolVar(&l.naive, "naive", false, "as most do it: Shutdown at the signal, switch and kill, no analysis, rename in one deploy")
	flags.BoolVar(&l.unhandled, "unhandled", false, "the small service does not handle the signal")
	flags.StringVar(&l.report, "report", "", "write a page with pictures to `FILE.html`, or to FILE.svg the picture of one strategy")
	flags.BoolVar(&l.json, "json", false, "print the result as one JSON object on the last line")
	return flags
}

// complete is what follows from what was said.
func (l *line) complete() {
	l.mode = modeHandover
	if l.naive {
		l.mode = modeNaive
	}
	if l.unhandled {
		l.mode = modeUnhandled
	}
	if l.unhandled && !l.given["service"] {
		l.service = serviceSmall
	}
	if l.service == serviceSmall && !l.given["strategy"] {
		l.strategy = strategy.Rolling
	}
	l.fleet.Replicas, l.fleet.Warmup, l.fleet.Settle = 3, 5*time.Second, 3*time.Second
	l.site.Replicas, l.site.Warmup, l.site.Settle = 3, 4*time.Second, time.Second
	l.site.Bake, l.site.Deadline = 4*time.Second, 8*time.Second
	if l.quick {
		l.fleet.Warmup, l.fleet.Settle = 2*time.Second, 200*time.Millisecond
		l.site.Replicas, l.site.Warmup, l.site.Settle = 2, 2*time.Second, 200*time.Millisecond
		l.site.Bake, l.site.Deadline = 1500*time.Millisecond, 4*time.Second
	}
	c := l.fleet
	l.site.Listen, l.site.Lag, l.site.Rate, l.site.NewShare, l.site.Seed = c.Listen, c.Lag, c.Rate, c.NewShare, c.Seed
	l.site.Naive = l.naive
}

func (l *line) check() error {
	balancers := append([]string{site.Builtin}, installed.Names()...)
	switch o := l.options; {
	case l.naive && l.unhandled:
		return errors.New("-naive and -unhandled exclude each other: use one")
	case o.strategy != strategy.All && !slices.Contains(strategy.Names(), o.strategy):
		return fmt.Errorf("-strategy is %q: use %s or %s", o.strategy, strings.Join(strategy.Names(), ", "), strategy.All)
	case o.service != serviceComplete && o.service != serviceSmall:
		return fmt.Errorf("-service is %q: use %q or %q", o.service, serviceComplete, serviceSmall)
	case !slices.Contains(balancers, o.site.Balancer):
		return fmt.Errorf("-balancer is %q: use %s", o.site.Balancer, strings.Join(balancers, ", "))
	}
	return nil
}

// checkSmall has what goes with the small service only, and what does not.
func (l *line) checkSmall() error {
	switch small := l.service == serviceSmall; {
	case l.strategy != strategy.Rolling && (small || l.unhandled):
		return fmt.Errorf("-strategy is %s: -unhandled and -service small are for rolling", l.strategy)
	case small && l.site.Balancer != site.Builtin:
		return fmt.Errorf("-balancer is %s: it is for -service complete; the small service has -kind", l.site.Balancer)
	case !l.onlySmall() && (l.given["kind"] || l.given["rtt"]):
		return errors.New("-kind and -rtt are of the small service's balancer: add -service small, or use -balancer")
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
	case !(c.NewShare >= 0 && c.NewShare <= 1): // NaN is neither
		return fmt.Errorf("-new is %v: use a share between 0 and 1", c.NewShare)
	}
	return nil
}
