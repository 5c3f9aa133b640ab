// Canary widens the rollout of a new version while it is under load, three times: of one
// that is healthy, of one that fails 10 % of its requests, and of one that takes three
// times as long. It counts whom that has hurt.
//
//	go run ./examples/canary -report canary.html
//
// Two instances of a service have a flag between the old version and the new one, in a
// PostgreSQL of their own, or in memory where none is installed. One of the instances
// leads, and gives the new version to 5, 20, 50 and 100 % of the users, when all have come
// along and the guards have seen enough. A guard that trips takes it away everywhere.
//
// With -unguarded nobody asks the guards, and the steps are taken by the time.
//
// Exit status: 0 if the healthy version was promoted and the others were rolled back, 1
// if not, 2 for wrong input, 130 after Ctrl-C.
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
)

func main() {
	ctx, stop := shutdown.Notify(context.Background())
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

const (
	exitRight       = 0
	exitNotRight    = 1
	exitWrongInput  = 2
	exitInterrupted = 130
)

type options struct {
	scenarios []scenario
	rate      int // of requests, per second
	seed      uint64
	bake, ttl time.Duration
	least     int           // canary requests per step
	patience  time.Duration // for one scenario
	unguarded bool
	report    string
	json      bool
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parse(args, errs)
	var page *os.File
	if err == nil && o.report != "" { // what cannot be written is found out now, and not after a minute
		page, err = os.OpenFile(o.report, os.O_WRONLY|os.O_CREATE, 0o600)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitRight
	case err != nil:
		fmt.Fprintln(errs, "canary:", err)
		return exitWrongInput
	}
	r, err := experiment(ctx, o, out)
	if page != nil { // after Ctrl-C as well, with what there was
		err = errors.Join(err, r.writeTo(page))
	}
	if ctx.Err() != nil {
		fmt.Fprintln(errs, "canary: interrupted; nothing is left running")
		return exitInterrupted
	}
	r.print(out, o.json)
	if err != nil {
		fmt.Fprintln(errs, "canary:", err)
	}
	if err != nil || !r.right() {
		return exitNotRight
	}
	return exitRight
}

func parse(args []string, errs io.Writer) (options, error) {
	o := options{bake: 5 * time.Second, ttl: 3 * time.Second, least: 60, patience: 2 * time.Minute}
	var quick bool
	var only string
	fs := flag.NewFlagSet("canary", flag.ContinueOnError)
	fs.SetOutput(errs)
	fs.IntVar(&o.rate, "rate", 300, "requests per second")
	fs.Uint64Var(&o.seed, "seed", 1, "of the users, and of the requests that fail")
	fs.StringVar(&only, "only", "", "one of the scenarios: healthy, failing, slow")
	fs.BoolVar(&quick, "quick", false, "shorter steps: finished in less than 40 s")
	fs.BoolVar(&o.unguarded, "unguarded", false, "ask no guard: what would have been without")
	fs.StringVar(&o.report, "report", "", "write a page with pictures to this `file`")
	fs.BoolVar(&o.json, "json", false, "print the result as one JSON object on the last line")
	if err := fs.Parse(args); err != nil {
		return o, err // has been printed, with the usage
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: only flags are understood, see -help", fs.Arg(0))
	}
	if o.rate < 20 || o.rate > 5000 {
		return o, fmt.Errorf("-rate is %d: give 20 to 5,000 per second", o.rate)
	}
	for _, s := range scenarios() {
		if only == "" || only == s.name {
			o.scenarios = append(o.scenarios, s)
		}
	}
	if len(o.scenarios) == 0 {
		return o, fmt.Errorf("-only is %q: give healthy, failing or slow", only)
	}
	if quick {
		o.bake, o.ttl, o.least, o.patience = 1500*time.Millisecond, 1500*time.Millisecond, 25, 45*time.Second
	}
	return o, nil
}
