// Rollout deploys a service under load and counts what failed.
//
// It starts three processes of a service (this program, executed again), puts a
// balancer and a load in front of them, replaces them one by one with a new
// version, and prints what the clients saw. With -naive the service stops as most
// do, with http.Server.Shutdown at the signal; with -unhandled it does not handle
// the signal at all.
//
// Exit status: 0 if no request failed, 1 if one did or the rollout did not come
// to its end, 2 for wrong input, 130 after Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/droptest"
)

func main() {
	if mode := os.Getenv(envMode); mode != "" {
		os.Exit(serviceMain(mode))
	}
	ctx, stop := shutdown.Notify(context.Background())
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

const (
	exitClean       = 0
	exitLost        = 1
	exitWrongInput  = 2
	exitInterrupted = 130
)

// mostRate is more than one machine can do.
const mostRate = 100_000

type options struct {
	fleet droptest.Config
	mode  string
	json  bool
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parse(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitClean
	case err != nil:
		fmt.Fprintln(errs, "rollout:", err)
		return exitWrongInput
	}
	r, err := roll(ctx, o, out)
	if err != nil && len(r.Processes) == 0 && ctx.Err() == nil {
		fmt.Fprintln(errs, "rollout:", err)
		return exitWrongInput // nothing was started
	}
	r.print(out, o.json)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "rollout: interrupted; all processes have been ended")
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(errs, "rollout:", err)
		return exitLost
	case r.Failed > 0:
		return exitLost
	}
	return exitClean
}

func parse(args []string, errs io.Writer) (options, error) {
	o := options{fleet: droptest.Config{Warmup: 5 * time.Second, Settle: 3 * time.Second}, mode: modeHandover}
	var quick, naive, unhandled bool
	flags := flag.NewFlagSet("rollout", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.StringVar((*string)(&o.fleet.Kind), "kind", string(droptest.Layer4), "balancer: layer4 spreads connections, proxy spreads requests")
	flags.StringVar(&o.fleet.Listen, "listen", "127.0.0.1:0", "address of the balancer; port 0 is a free one")
	flags.DurationVar(&o.fleet.Lag, "lag", time.Second, "from SIGTERM until the balancer stops sending")
	flags.DurationVar(&o.fleet.RTT, "rtt", 2*time.Millisecond, "round trip between balancer and service")
	flags.IntVar(&o.fleet.Rate, "rate", 200, "requests per second")
	flags.Float64Var(&o.fleet.NewShare, "new", 1.0/3, "share of the requests that come on a new connection")
	flags.Uint64Var(&o.fleet.Seed, "seed", 1, "of the arrival times")
	flags.BoolVar(&quick, "quick", false, "shorter pauses: finished in less than 20 s")
	flags.BoolVar(&naive, "naive", false, "the service stops with http.Server.Shutdown at the signal")
	flags.BoolVar(&unhandled, "unhandled", false, "the service does not handle the signal")
	flags.BoolVar(&o.json, "json", false, "print the result as one JSON object on the last line")
	if err := flags.Parse(args); err != nil {
		return o, err // has been printed, with the usage
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: only flags are understood, see -help", flags.Arg(0))
	}
	switch {
	case naive && unhandled:
		return o, errors.New("-naive and -unhandled exclude each other: use one")
	case naive:
		o.mode = modeNaive
	case unhandled:
		o.mode = modeUnhandled
	}
	if quick {
		o.fleet.Warmup, o.fleet.Settle = 2*time.Second, 200*time.Millisecond
	}
	return o, check(o.fleet)
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
