// Rollout deploys a service under load, in the ways that there are, and counts what failed.
//
//	rolling    one process after the other: surge 1, unavailable 0; and a release that never
//	           is ready, which changes nothing
//	bluegreen  two whole fleets and one switch, back, and there again
//	canary     5, 20, 50 and 100 %, judged by errors and latency; a bad version goes by itself
//	schema     a column is renamed across four deploys: forward, a step back, forward
//
// By default it is all of them, and deploys examples/complete: it is built first, and has a
// PostgreSQL that ends with this program. The load meets a balancer, which learns of each
// change a lag later: the one in this program, or with -balancer nginx or haproxy the real
// one, if it is installed.
//
// With -service small it is a rolling deployment of a small service that is in this program
// and needs nothing, behind package droptest's balancer (-kind, -rtt).
//
// With -naive each is done as most do it: http.Server.Shutdown at the signal, which is the
// small service's; switch and kill; no analysis; the column renamed in one deploy. With
// -unhandled, a rolling deployment only, the small service does not handle the signal.
//
// -report FILE.html is a page with pictures of all that happened, FILE.svg one of them.
//
// Exit status: 0 if no request failed and nothing was stale, 1 if one did or a rollout did
// not come to its end, 2 for wrong input, or without PostgreSQL or the balancer, 130 after
// Ctrl-C.
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

	"github.com/handover-go/handover/examples/rollout/internal/screen"
	"github.com/handover-go/handover/examples/rollout/internal/site"
	"github.com/handover-go/handover/examples/rollout/internal/strategy"
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

// options are those of the command line.
type options struct {
	fleet    droptest.Config // of the small service
	site     site.Options    // of all else
	strategy string
	service  string
	mode     string
	report   string
	json     bool
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
	file, err := newPicture(o.report)
	if err != nil {
		fmt.Fprintln(errs, "rollout:", err)
		return exitWrongInput
	}
	defer file.close()
	began := time.Now()
	all, err := deploy(ctx, o, screen.New(out, screen.IsTerminal(out)))
	if err != nil && ctx.Err() == nil && nothing(all) {
		fmt.Fprintln(errs, "rollout:", err)
		return exitWrongInput // nothing was started
	}
	if len(all) > 0 {
		err = errors.Join(err, file.write(all))
	}
	printAll(out, o, all, time.Since(began))
	return status(ctx, all, err, errs)
}

// printAll has everything once more, at the end of many lines, and then as JSON.
func printAll(out io.Writer, o options, all []strategy.Result, took time.Duration) {
	if len(all) > 1 {
		for _, r := range all {
			write(out, r)
		}
	}
	switch {
	case o.json && o.strategy == strategy.All:
		printJSON(out, strategy.Summarize(all, took))
	case o.json && len(all) == 1:
		printJSON(out, all[0])
	}
}

// status is that of the exit, and what is said with it.
func status(ctx context.Context, all []strategy.Result, err error, errs io.Writer) int {
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "rollout: interrupted; all processes have been ended")
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(errs, "rollout:", err)
		return exitLost
	case slices.ContainsFunc(all, strategy.Result.Lost):
		return exitLost
	}
	return exitClean
}

// nothing reports whether not even a process was started.
func nothing(all []strategy.Result) bool {
	return !slices.ContainsFunc(all, func(r strategy.Result) bool { return len(r.Processes) > 0 })
}
