package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/screen"
	"github.com/handover-go/handover/examples/rollout/internal/site"
	"github.com/handover-go/handover/examples/rollout/internal/strategy"
	"github.com/handover-go/handover/internal/pgtest"
)

// deploy goes through the strategies that were asked for. What one has lost is no reason
// not to try the next; what did not come to its end is.
func deploy(ctx context.Context, o options, s *screen.Screen) (all []strategy.Result, err error) {
	names := o.strategies()
	var w *site.World
	if !o.onlySmall() {
		w, err = site.Open(ctx, o.site.Program)
		if errors.Is(err, pgtest.ErrNotInstalled) {
			return nil, fmt.Errorf("%w; or use -strategy rolling -service small, which needs none", pgtest.ErrNotInstalled)
		} else if err != nil {
			return nil, err
		}
		defer w.Close()
	}
	for i, name := range names {
		fmt.Fprintf(s, "\n== %s ==\n", name)
		s.Expect(o.takes(name), o.takes(names[i+1:]...))
		r, err := deployOne(ctx, name, w, o, s)
		if o.mode == modeNaive {
			r.Naive = strategy.Naive(name)
		}
		all = append(all, r)
		if len(r.Processes) > 0 {
			write(s, r)
		}
		if err != nil {
			return all, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}

func deployOne(ctx context.Context, name string, w *site.World, o options, s *screen.Screen) (strategy.Result, error) {
	if o.small(name) {
		return small(ctx, o, s)
	}
	so := o.site
	fmt.Fprintf(s, "deploying %s: balancer %s, lag %v, %d requests/s\n", serviceComplete, so.Balancer, so.Lag, so.Rate)
	if so.Balancer == "nginx" {
		fmt.Fprintln(s, "each request has a connection of its own: a reload of nginx closes those that clients keep")
	}
	return strategy.Deploy(ctx, name, w, so, s)
}

// strategies are those that were asked for.
func (o options) strategies() []string {
	if o.strategy == strategy.All {
		return strategy.Names()
	}
	return []string{o.strategy}
}

// small reports whether a strategy deploys the small service: it is who can be naive in a
// rolling deployment.
func (o options) small(name string) bool {
	return name == strategy.Rolling && (o.service == serviceSmall || o.mode != modeHandover)
}

// onlySmall reports whether nothing but the small service is deployed, which needs neither
// a build nor PostgreSQL.
func (o options) onlySmall() bool { return o.strategy != strategy.All && o.small(o.strategy) }

// takes is how long strategies are going to take.
func (o options) takes(names ...string) (all time.Duration) {
	for _, name := range names {
		if o.small(name) {
			all += o.smallTakes()
		} else {
			all += strategy.Takes(name, o.site)
		}
	}
	return all
}
