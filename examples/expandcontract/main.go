// Expandcontract renames a column of a table while a fleet reads and writes it, and counts
// what was lost.
//
//	go run ./examples/expandcontract
//
// It starts a PostgreSQL of its own, with a table of 200,000 users, and three instances
// of a program that read and write it all the time. Then users.name becomes
// users.display_name: the change is moved from stage to stage, each time when all
// instances have come along, and between two stages each of them is replaced, one by
// one, so that neighbouring stages and versions run side by side. Forward, all the way
// back, and forward again, until name is dropped. A ledger knows what each row was last
// acknowledged to have, and so finds reads that are stale and writes that are lost.
//
// With -reckless nobody asks the database for the stage, and the step to dual-write is
// left out, as if the back-fill were enough.
//
// Exit status: 0 if nothing was lost, 1 if something was or the walk did not come to its
// end, 2 for wrong input or without PostgreSQL, 130 after Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/handover-go/handover/internal/pgtest"
	"github.com/handover-go/handover/shutdown"
)

func main() {
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

type options struct {
	rows     int
	rate     int           // of reads and of writes, each, per second
	baseline time.Duration // before the walk
	hold     time.Duration // how long neighbours run side by side
	reckless bool          // DualWrite is left out
	json     bool
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parse(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitClean
	case err != nil:
		fmt.Fprintln(errs, "expandcontract:", err)
		return exitWrongInput
	}
	pg := pgtest.New(pgtest.Config{})
	defer func() { _ = pg.Close() }()
	var r result
	if err = pg.Start(ctx); err == nil {
		r, err = experiment(ctx, pg.URL(), o, out)
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "expandcontract: interrupted; the server and its data are gone")
		return exitInterrupted
	case errors.Is(err, pgtest.ErrNotInstalled):
		fmt.Fprintln(errs, "expandcontract:", pgtest.ErrNotInstalled)
		return exitWrongInput
	}
	r.print(out, o.json)
	if err != nil {
		fmt.Fprintln(errs, "expandcontract:", err)
	}
	if err != nil || r.lost() {
		return exitLost
	}
	return exitClean
}

func parse(args []string, errs io.Writer) (options, error) {
	o := options{baseline: 2 * time.Second, hold: 300 * time.Millisecond}
	var quick bool
	flags := flag.NewFlagSet("expandcontract", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.IntVar(&o.rows, "rows", 200_000, "rows of the table")
	flags.IntVar(&o.rate, "rate", 300, "reads per second, and writes per second, of the whole fleet")
	flags.BoolVar(&quick, "quick", false, "shorter pauses")
	flags.BoolVar(&o.reckless, "reckless", false, "leave dual-write out: back-fill, and go from old to read-new")
	flags.BoolVar(&o.json, "json", false, "print the result as one JSON object on the last line")
	if err := flags.Parse(args); err != nil {
		return o, err // has been printed, with the usage
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: only flags are understood, see -help", flags.Arg(0))
	}
	if o.rows < 1 || o.rows > 5_000_000 {
		return o, fmt.Errorf("-rows is %d: give 1 to 5,000,000", o.rows)
	}
	if o.rate < 1 || o.rate > 20_000 {
		return o, fmt.Errorf("-rate is %d: give 1 to 20,000 per second", o.rate)
	}
	if quick {
		o.baseline, o.hold = 500*time.Millisecond, 100*time.Millisecond
	}
	return o, nil
}
