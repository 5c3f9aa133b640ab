package main

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/probes/watchdog"
	"github.com/handover-go/handover/shutdown/worker"
)

const (
	poll  = 200 * time.Millisecond // between two looks at an empty queue
	retry = 5 * time.Second        // for each attempt that has failed
	stuck = 2 * longest            // a round of the loop takes less
)

// newJobs is a worker that ships orders, and one heartbeat: of two loops that share one,
// the first can die unseen.
func newJobs(o *orders, loop *watchdog.Heartbeat) *worker.Pool[order] {
	pull := func(ctx context.Context) (order, error) {
		defer loop.Pause()
		for {
			loop.Beat()
			taken, err := takeWhole(ctx, o)
			if !errors.Is(err, pgx.ErrNoRows) {
				return taken, err
			}
			select {
			case <-time.After(poll):
			case <-ctx.Done():
				return taken, ctx.Err()
			}
		}
	}
	ship := func(ctx context.Context, taken order) error {
		loop.Beat()
		defer loop.Pause()
		return o.ship(ctx, taken)
	}
	return worker.New(pull, ship, worker.Config[order]{
		Name: func(taken order) string { return "order " + strconv.FormatInt(taken.ID, 10) },
		HandBack: func(ctx context.Context, taken order, _ error) error {
			return o.putBack(ctx, taken, 0)
		},
		Failed: func(ctx context.Context, taken order, err error) {
			slog.Error("an order has not been shipped", "order", taken.ID, "attempt", taken.attempt, "err", err)
			if err := o.putBack(ctx, taken, time.Duration(taken.attempt)*retry); err != nil {
				slog.Error("nor put back: it is due again when its lease is over", "order", taken.ID, "err", err)
			}
		},
	})
}

// takeWhole does not give up in the middle, when the intake ends: an order that has been
// taken, and that nobody knows to have, would wait for the end of its lease.
func takeWhole(ctx context.Context, o *orders) (order, error) {
	if ctx.Err() != nil {
		return order{}, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return o.take(ctx)
}
