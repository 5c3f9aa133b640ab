// Rollout deploys a service under load, in the ways that there are, and counts what failed.
//
//	rolling    one process after the other: surge 1, unavailable 0; and a release that never
//	           is ready, which changes nothing
//	bluegreen  two whole fleets and one switch, back, and there again
//	canary     5, 20, 50 and 100 %, judged by errors and latency; a bad version goes by itself
//	schema     a column is renamed across four deploys: forward, a step back, forward
//
// By default it is rolling, with a small service that is in this program and needs nothing;
// the others, and -service complete, deploy examples/complete: it is built first, and has a
// PostgreSQL that ends with this program. The load meets a balancer, which learns of each
// change a lag later.
//
// With -naive each is done as most do it: http.Server.Shutdown at the signal; switch and
// kill; no analysis; the column renamed in one deploy. With -unhandled, a rolling deploy
// only, the small service does not handle the signal.
//
// Exit status: 0 if no request failed and nothing was stale, 1 if one did or a rollout did
// not come to its end, 2 for wrong input or without PostgreSQL, 130 after Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
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
	fleet    droptest.Config
	strategy string
	service  string
	program  string
	mode     string
	json     bool
	replicas int           // of each version, in all but the rolling deployment itself, which has three
	bake     time.Duration // of each share of a canary
	progress time.Duration // until a release that is not ready is rolled back
}

// The strategies, in their order.
const strategyAll = "all"

func strategies() []string { return []string{"rolling", "bluegreen", "canary", "schema"} }

// naivety says what is naive in each.
func naivety() map[string]string {
	return map[string]string{
		"rolling":   "http.Server.Shutdown at the signal",
		"bluegreen": "switch and kill",
		"canary":    "no analysis, and nobody who answers for a canary",
		"schema":    "the column is renamed in one deploy",
	}
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
	began := time.Now()
	all, err := deploy(ctx, o, &lines{out: out})
	if err != nil && ctx.Err() == nil && nothing(all) {
		fmt.Fprintln(errs, "rollout:", err)
		return exitWrongInput // nothing was started
	}
	printAll(out, o, all, time.Since(began))
	return status(ctx, all, err, errs)
}

// printAll has everything once more, at the end of many lines, and then as JSON.
func printAll(out io.Writer, o options, all []result, took time.Duration) {
	if len(all) > 1 {
		for _, r := range all {
			r.print(out)
		}
	}
	switch {
	case o.json && o.strategy == strategyAll:
		printJSON(out, summarize(all, took))
	case o.json && len(all) == 1:
		printJSON(out, all[0])
	}
}

// status is that of the exit, and what is said with it.
func status(ctx context.Context, all []result, err error, errs io.Writer) int {
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "rollout: interrupted; all processes have been ended")
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(errs, "rollout:", err)
		return exitLost
	case slices.ContainsFunc(all, result.lost):
		return exitLost
	}
	return exitClean
}

// nothing reports whether not even a process was started.
func nothing(all []result) bool {
	return !slices.ContainsFunc(all, func(r result) bool { return len(r.Processes) > 0 })
}
