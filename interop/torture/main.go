//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/handover-go/handover/interop/torture/internal/balance"
	"github.com/handover-go/handover/interop/torture/internal/fleet"
	"github.com/handover-go/handover/interop/torture/internal/roll"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(2)
	}
	status := o.run(ctx)
	stop()
	os.Exit(status)
}

// run goes through all combinations.
func (o options) run(ctx context.Context) int {
	programs, err := build(ctx, o.variants)
	defer func() { _ = os.RemoveAll(programs.dir) }() // there is nobody to be told
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		return 1
	}
	all, lost := o.roll(ctx, programs)
	if o.json {
		_ = json.NewEncoder(os.Stdout).Encode(all) // a terminal that has gone
	} else {
		table(os.Stdout, all)
	}
	switch {
	case ctx.Err() != nil:
		return 130
	case lost:
		return 1
	}
	return 0
}

// roll reports the results, and whether a variant of ours has lost something.
func (o options) roll(ctx context.Context, p programs) (all []roll.Result, lost bool) {
	for cfg := range o.runs(p) {
		fmt.Fprintf(os.Stderr, "%s behind %s, TLS %t, lag %v, %d requests/s\n", cfg.Variant.Name, cfg.Balancer.Name, cfg.TLS, cfg.Lag, cfg.Rate)
		result, err := roll.Run(ctx, cfg)
		if ctx.Err() != nil {
			return all, lost
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "torture:", err)
			lost = true
			continue
		}
		all = append(all, result)
		total := result.Total()
		lost = lost || cfg.Variant.Ours && total.Lost+total.Cut > 0
		fmt.Fprintf(os.Stderr, "    lost %d, unsent %d, cut %d of %d: %s\n", total.Lost, total.Unsent, total.Cut, total.Requests, total.Reasons())
	}
	return all, lost
}

// programs are the variants, compiled.
type programs struct {
	dir   string
	paths map[string]string
}

func build(ctx context.Context, variants []fleet.Variant) (programs, error) {
	p := programs{paths: map[string]string{}}
	root, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "github.com/handover-go/handover/interop/torture").Output()
	if err != nil {
		return p, fmt.Errorf("run it in the repository, below interop: %w", err)
	}
	if p.dir, err = os.MkdirTemp("", "torture-bin-"); err != nil {
		return p, err
	}
	for _, v := range variants {
		program, buildErr := v.Build(ctx, strings.TrimSpace(string(root)), p.dir)
		p.paths[v.Name] = program
		err = errors.Join(err, buildErr)
	}
	return p, err
}

// runs yields one after the other: variants side by side, so that what is printed
// first can be compared.
func (o options) runs(p programs) func(func(roll.Config) bool) {
	return func(yield func(roll.Config) bool) {
		for _, front := range o.fronts() {
			for _, lag := range o.lags {
				for _, rate := range o.rates {
					for _, v := range o.variants {
						cfg := roll.Config{
							Variant: v, Program: p.paths[v.Name], Balancer: front.kind, Protocols: o.protocols,
							TLS: front.tls, Lag: lag, Rate: rate, Restarts: o.restarts, Streams: o.streams, Grace: o.grace, Delay: o.delay, Log: o.log(),
						}
						if !yield(cfg) {
							return
						}
					}
				}
			}
		}
	}
}

// A front is what clients meet, and how.
type front struct {
	kind balance.Kind
	tls  bool
}

func (o options) fronts() []front {
	var all []front
	for _, kind := range o.balancers {
		for _, tls := range o.tls {
			if !tls || kind.Transparent() {
				all = append(all, front{kind, tls})
			}
		}
	}
	return all
}

func (o options) log() func(time.Time, string) {
	if !o.verbose {
		return nil
	}
	return func(at time.Time, what string) { fmt.Fprintln(os.Stderr, at.Format("15:04:05.000"), what) }
}

// installed leaves out balancers that are not there, and says so.
func installed(kinds []balance.Kind) []balance.Kind {
	var there []balance.Kind
	for _, k := range kinds {
		if err := k.Missing(); err != nil {
			fmt.Fprintln(os.Stderr, "torture:", err)
			continue
		}
		there = append(there, k)
	}
	return there
}
