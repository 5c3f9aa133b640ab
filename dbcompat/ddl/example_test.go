package ddl_test

import (
	"fmt"

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
