package pgxdbcompat_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
	"github.com/handover-go/handover/internal/pgtest"
)

// A pool that survives DDL, and a transaction at one stage. (It has no Output, as it is
// not run where there is no PostgreSQL.)
func Example() {
	ctx := context.Background()
	server := pgtest.New(pgtest.Config{})
	if err := server.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close() }()

	config, err := pgxpool.ParseConfig(server.URL())
	if err != nil {
		fmt.Println(err)
		return
	}
	var schema pgxdbcompat.Schema
	schema.Watch(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	displayName := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}
	err = schema.InTx(ctx, pool.Begin, dbcompat.Fixed(dbcompat.DualWrite), func(tx pgx.Tx, stage dbcompat.Stage) error {
		_, err := tx.Exec(ctx, "UPDATE users SET "+displayName.Set(stage, 2)+" WHERE id = $1", 1, "Ada")
		return err
	})
	fmt.Println(err)
}

// Without a stage nothing is begun: no connection is taken, and fn is not called.
func ExampleInTx() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://app@localhost/app?host=/nowhere") // dials when it is used
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	source := func(context.Context) (dbcompat.Stage, error) { return dbcompat.ParseStage("both") } // of the environment
	err = pgxdbcompat.InTx(ctx, pool.Begin, source, func(tx pgx.Tx, stage dbcompat.Stage) error {
		_, err := tx.Exec(ctx, "UPDATE users SET visits = visits + 1 WHERE id = 1")
		return err
	})
	fmt.Println(err)
	// Output: pgxdbcompat: ask for stage: dbcompat: parse stage: "both" is none: give old, dual-write, read-new, new
}
