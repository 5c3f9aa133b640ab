package walk_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

// A job of the release takes the change as far as the fleet lets it. (It has no Output,
// as it is not run where there is no PostgreSQL.)
func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	displayName := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}
	w := walk.New(pool, "users-name", walk.Config{})
	err = errors.Join(w.Migrate(ctx), w.Create(ctx, displayName.Columns(), walk.Options{Fence: true}))
	if err == nil {
		err = readNew(ctx, w)
	}
	if notReady, ok := errors.AsType[*walk.NotReadyError](err); ok {
		for _, m := range notReady.Missing {
			fmt.Println(m.Who, m.What, m.Do)
		}
	}
}

func readNew(ctx context.Context, w *walk.Walk) error {
	if err := w.Advance(ctx, dbcompat.DualWrite); err != nil {
		return err
	}
	if err := w.Wait(ctx); err != nil { // until nobody is at Old any more
		return err
	}
	fill, err := w.Backfill(ctx, backfill.Config{})
	if err != nil {
		return err
	}
	if err := fill.Run(ctx); err != nil {
		return err
	}
	if _, err := w.Verify(ctx, backfill.Config{}); err != nil {
		return err
	}
	return w.Advance(ctx, dbcompat.ReadNew)
}

// What is wrong with the arguments is all said at once, by each call.
func ExampleNew() {
	w := walk.New(nil, "users-name", walk.Config{Poll: -1})
	fmt.Println(w.Advance(context.Background(), dbcompat.DualWrite))
	// Output:
	// walk: advance users-name: the pool is nil: make one with pgxpool.New
	// Config.LockTimeout or Poll is less than a millisecond: a wait for a lock has to have an end, 200 ms are good
}

// What can come next, and what is in the way of it, before anything is done. (It has no
// Output, as it is not run where there is no PostgreSQL.)
func ExampleWalk_Plan() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	plan, err := walk.New(pool, "users-name", walk.Config{}).Plan(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range plan.Steps {
		fmt.Println(step.Verb, step.To, step.Ready, step.Missing)
	}
}
