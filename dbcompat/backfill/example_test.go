package backfill_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
)

// The new column is filled, gently, and compared. (It has no Output, as it is not run
// where there is no PostgreSQL.)
func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	displayName := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}
	fill := backfill.New(pool, displayName.Columns(), dbcompat.Fixed(dbcompat.DualWrite), backfill.Config{
		VacuumEvery: 200_000,
		Throttles:   []backfill.Throttle{backfill.ReplicaLag(pool, 2*time.Second)},
	})
	if err := fill.Run(ctx); err != nil {
		fmt.Println(err)
		return
	}
	found, err := fill.Verify(ctx)
	fmt.Println(found.Mismatches, err)
}

// Without a stage nothing is written, as nobody knows which column is believed.
func ExampleNew() {
	columns := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "name"}
	fill := backfill.New(nil, columns.Columns(), dbcompat.Fixed(dbcompat.DualWrite), backfill.Config{Duty: 2})
	fmt.Println(fill.Run(context.Background()))
	// Output:
	// backfill: run users: the pool is nil: make one with pgxpool.New
	// dbcompat: columns of "users": "name" is there twice: a column is replaced by another one
	// Config.Duty is 2: give a share of the time, 0.5 for half of it
}

// The service says itself when it has no time for a back-fill.
func ExampleThrottle() {
	p99 := 340 * time.Millisecond // as the service measures it
	patient := backfill.Throttle(func(context.Context) (time.Duration, string) {
		if p99 > 250*time.Millisecond {
			return time.Second, fmt.Sprintf("p99 is %s", p99)
		}
		return 0, ""
	})
	_ = backfill.Config{Throttles: []backfill.Throttle{patient}} // Status.Waiting has the reason

	fmt.Println(patient(context.Background()))
	p99 = 90 * time.Millisecond
	fmt.Println(patient(context.Background()))
	// Output:
	// 1s p99 is 340ms
	// 0s
}

// A column that replaces none is filled where there is NULL. (It has no Output, as it is
// not run where there is no PostgreSQL.)
func ExampleNewAdded() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	plan := dbcompat.Added[string]{Table: "users", Key: "id", Column: "plan", Fill: "CASE WHEN paid THEN 'pro' ELSE 'free' END"}
	fill := backfill.NewAdded(pool, plan, backfill.Config{Rate: 5_000})
	if err := fill.Run(ctx); err != nil {
		fmt.Println(err)
		return
	}
	found, err := fill.Verify(ctx)
	fmt.Println(found.Mismatches, err) // rows for which SET NOT NULL would fail
}
