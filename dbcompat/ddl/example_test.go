package ddl_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat/ddl"
)

// What a review wants to see before users.name is replaced by display_name. With a database
// Runner.Plan adds what is done already, and who is in the way.
func ExampleSteps() {
	plan, err := ddl.Steps(15,
		ddl.AddColumn{Table: "users", Column: "display_name", Type: "text"},
		ddl.CreateIndex{Table: "users", Name: "users_display_name_idx", Columns: []string{"display_name"}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(plan)
	// Output:
	// 1. add column users.display_name
	//    sql   ALTER TABLE "users" ADD COLUMN "display_name" text
	//    lock  ACCESS EXCLUSIVE on "users"
	//    cost  instant
	//    undo  ALTER TABLE "users" DROP COLUMN "display_name"
	// 2. create index users_display_name_idx on users
	//    sql   CREATE INDEX CONCURRENTLY "users_display_name_idx" ON "users" ("display_name")
	//    lock  SHARE UPDATE EXCLUSIVE on "users"
	//    cost  two scans, and a wait for older transactions
	//    undo  DROP INDEX CONCURRENTLY "users_display_name_idx"
	//    note  outside of a transaction
}

// A job of the release prepares users.name to be replaced, while the program that uses the
// table runs. It may be called again, until it is done. (It has no Output, as it is not run
// where there is no PostgreSQL.)
func ExampleRunner_Run() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	r := ddl.New(pool, ddl.Config{LockTimeout: time.Second})
	err = r.Run(ctx,
		ddl.AddColumn{Table: "users", Column: "display_name", Type: "text"},
		ddl.Check{Table: "users", Name: "display_name_is_there", Expression: "display_name <> ''"},
	)
	if blocked, ok := errors.AsType[*ddl.BlockedError](err); ok {
		for _, b := range blocked.Blockers { // whom to ask
			fmt.Println(b.PID, b.Application, b.Age, b.Query)
		}
	}
}

// What is wrong with the arguments is all said at once, by each call.
func ExampleNew() {
	r := ddl.New(nil, ddl.Config{Attempts: -1})
	_, err := r.Plan(context.Background(), ddl.AddColumn{Table: "users", Column: "display_name", Type: "text"})
	fmt.Println(err)
	// Output:
	// ddl: plan: the pool is nil: make one with pgxpool.New
	// Config.Attempts is negative: give how often a step is tried
}
