// Command backfill fills a new column from an old one, while the program goes on.
//
//	backfill -table users -key id -old name -new display_name -stage dual-write
//	backfill … -dry-run       # what would be done: SQL and estimates
//	backfill … -do verify     # compares all rows; also status, pause, resume, cancel
//
//	backfill -table users -new plan -fill "'free'"    # a column that replaces none
//
// For several columns, -key, -old and -new take names with commas between, and -up and
// -down are given once for each column. The database is that of -database, or of
// DATABASE_URL, or of the variables PGHOST and so on.
//
// After an interruption, a Ctrl-C too, the same command goes on where it was. It exits
// with 0 if all is well, 1 if something failed or rows differ, 2 if the command is wrong,
// and 3 if it was interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/cmd/internal/progress"
)

const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return exitUsage // which has been said
	}
	config, err := pgxpool.ParseConfig(c.database)
	if err != nil {
		fmt.Fprintln(stderr, "backfill: -database:", err)
		return exitUsage
	}
	config.MaxConns = 3 // the batch, who looks after it, the progress
	config.ConnConfig.RuntimeParams["application_name"] = "handover backfill"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		fmt.Fprintln(stderr, "backfill:", err)
		return exitFailed
	}
	defer pool.Close()
	err = do(ctx, c.backfill(pool), c, stdout)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(stderr, "interrupted: the same command goes on from here, a verification from the beginning")
		return exitInterrupted
	}
	fmt.Fprintln(stderr, err)
	return exitFailed
}

func do(ctx context.Context, fill *backfill.Backfill, c command, out io.Writer) error {
	switch c.do {
	case "plan":
		return plan(ctx, fill, c.config, out)
	case "run":
		return watched(ctx, fill, out)
	case "verify":
		return verify(ctx, fill, out)
	case "pause":
		return fill.Pause(ctx)
	case "resume":
		return fill.Resume(ctx)
	case "cancel":
		return fill.Cancel(ctx)
	}
	s, err := fill.Status(ctx)
	if err == nil {
		fmt.Fprintln(out, progress.Line(s))
	}
	return err
}

func plan(ctx context.Context, fill *backfill.Backfill, config backfill.Config, out io.Writer) error {
	p, err := fill.Plan(ctx)
	if err != nil {
		return err
	}
	where := "where it is NULL"
	if p.Stage != "" {
		where = "at stage " + p.Stage
	}
	fmt.Fprintf(out, "-- %s is written %s\n", strings.Join(p.Writes, ", "), where)
	fmt.Fprintf(out, "-- about %d rows, %d MB with indexes; %d batches if they were all as large as the first one\n", p.Rows, p.Bytes>>20, p.Batches)
	if p.Resumes {
		fmt.Fprintf(out, "-- goes on with an earlier run: about %d rows are left\n", p.Remaining)
	}
	fmt.Fprintf(out, "-- %s\n-- %s\n", takes(p, config.Rate), grows(p, config.VacuumEvery))
	fmt.Fprintf(out, "\n-- once: the end\n%s;\n\n-- each batch, with its checkpoint\n%s;\n", p.Begin, p.Batch)
	return nil
}

// takes is the estimate of the time.
func takes(p backfill.Plan, most int) string {
	limited := most > 0 && (p.Rate > float64(most) || p.Shortest == p.Longest)
	switch {
	case p.Rate > 0 && !limited:
		return fmt.Sprintf("takes about %s: the last run has done %.0f rows a second", short(p.Longest), p.Rate)
	case limited:
		return fmt.Sprintf("takes about %s: no more than %d rows a second", short(p.Longest), most)
	}
	return fmt.Sprintf("takes from %s to %s, or longer on a busy server: nobody has measured it here", short(p.Shortest), short(p.Longest))
}

// short leaves out what nobody can know.
func short(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

// grows is what becomes of the table: autovacuum cannot follow.
func grows(p backfill.Plan, vacuum int64) string {
	if vacuum > 0 {
		return fmt.Sprintf("vacuumed after each %d rows that are changed, so that the room of the dead ones is used again", vacuum)
	}
	return fmt.Sprintf("may grow to about twice its size, %d MB: each row that is changed leaves a dead one; with -vacuum 200000 it grows by a third", 2*p.Bytes>>20)
}

func verify(ctx context.Context, fill *backfill.Backfill, out io.Writer) error {
	v, err := fill.Verify(ctx)
	if err != nil {
		return err
	}
	stage := ""
	if v.Stage.Valid() {
		stage = "stage " + v.Stage.String() + ", "
	}
	fmt.Fprintf(out, "%d rows, %d mismatches; %s%s, LSN %s\n", v.Rows, v.Mismatches, stage, v.Ended.Format(time.RFC3339), v.LSN)
	if v.Mismatches == 0 {
		return nil
	}
	return fmt.Errorf("rows that differ, among them %s", strings.Join(v.Examples, "; "))
}

// watched runs it with a bar on a terminal, and a line at the end anywhere.
func watched(ctx context.Context, fill *backfill.Backfill, out io.Writer) error {
	err := progress.On(out).While(func() string {
		s, err := fill.Status(ctx)
		if err != nil {
			return ""
		}
		return progress.Line(s)
	}, func() error { return fill.Run(ctx) })
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	s, statusErr := fill.Status(after)
	if statusErr == nil && s.State != backfill.None {
		fmt.Fprintln(out, progress.Line(s))
	}
	if s.Skipped > 0 && err == nil {
		err = errors.New("some rows have been skipped: they are in the table backfill_skipped")
	}
	return err
}
