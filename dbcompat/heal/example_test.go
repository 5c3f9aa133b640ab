package heal_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/heal"
)

// A trigger that would write what the program believes is refused before anything is
// asked of the database.
func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://app@localhost/app?host=/nowhere")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	columns := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}.Columns()

	trigger := heal.New(pool, columns, dbcompat.Fixed(dbcompat.ReadNew), heal.Config{Quiet: 7 * 24 * time.Hour})
	fmt.Println(trigger.Install(ctx))
	// Output:
	// heal: install users.display_name: the stage is read-new, where new is believed and only the program writes it: go back to dual-write, or find out who still writes old
}
