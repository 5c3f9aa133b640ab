package pgflags_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/flags/pgflags"
	"github.com/handover-go/handover/internal/pgtest"
)

// A flag that burns is killed, for all instances, and the record says why. (It has no
// Output, as it is not run where there is no PostgreSQL.)
func Example() {
	ctx := context.Background()
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

	store := pgflags.New(pool, pgflags.Config{})
	definition := []byte(`{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"}`)
	err = errors.Join(
		store.Migrate(ctx),
		store.Put(ctx, pgflags.Change{Who: "ada", Why: "for all"}, "new-checkout-flow", definition),
		store.Kill(ctx, pgflags.Change{Who: "bob", Why: "incident 42"}, "new-checkout-flow"),
	)
	document, loadErr := store.Load(ctx)
	fmt.Println(document.Revision, errors.Join(err, loadErr))
	entries, err := store.Audit(ctx, "new-checkout-flow")
	for _, e := range entries {
		fmt.Println(e.Revision, e.Who, e.Why)
	}
	fmt.Println(err)
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
	_, err = pgflags.New(pool, pgflags.Config{}).Load(ctx)
	fmt.Println(err != nil, errors.Is(err, pgflags.ErrNotMigrated))
	// Output: true false
}
