package pgramp_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/flags/ramp"
	"github.com/handover-go/handover/flags/ramp/pgramp"
	"github.com/handover-go/handover/internal/pgtest"
)

// A ramp from nothing to all, with a guard. (It has no Output, as it is not run where
// there is no PostgreSQL.)
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	pg := pgtest.New(pgtest.Config{})
	if err := pg.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = pg.Close() }()
	pool, err := pgxpool.New(ctx, pg.URL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	store, steps := pgflags.New(pool, pgflags.Config{}), pgramp.New(pool, pgramp.Config{})
	client := flags.New(store, flags.Config{}, newCheckout)
	g, err := guard.New(newCheckout, guard.Config{MaxErrors: 0.01})
	member := ramp.New(client, steps, ramp.Config{},
		ramp.Plan{Flag: newCheckout, Steps: []float64{5, 20, 50, 100}, Bake: 10 * time.Minute, Guard: g})
	off := []byte(`{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"}`)
	err = errors.Join(err, store.Migrate(ctx), steps.Migrate(ctx),
		store.Put(ctx, pgflags.Change{Who: "ada", Why: "a new checkout"}, "new-checkout", off),
		client.Start(ctx), member.Start(ctx))
	if err != nil {
		fmt.Println(err)
	}
	ended := make(chan error, 2)
	go func() { ended <- client.Run(ctx) }()
	go func() { ended <- member.Run(ctx) }()

	// Requests call guard.Do. Somebody wants to look at it first:
	fmt.Println(steps.Pause(ctx, pgflags.Change{Who: "ada", Why: "a question of support"}, "new-checkout"))

	fmt.Println(member.Leave(ctx))
	stop()
	fmt.Println(<-ended, <-ended)
}

// A pool dials when it is used, and so does a store.
func ExampleNew() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://app@localhost/app?host=/nowhere")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	_, err = pgramp.New(pool, pgramp.Config{}).Attend(ctx, ramp.Call{Me: ramp.Instance{ID: "a"}, TTL: time.Minute})
	fmt.Println(err != nil, errors.Is(err, pgramp.ErrNotMigrated))
	// Output: true false
}
