package dbcompat_test

import (
	"context"
	"fmt"

	"github.com/handover-go/handover/dbcompat"
)

var displayName = dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}

// A program that renames a column writes and reads it by the stage at which it is.
func Example() {
	if err := displayName.Check(); err != nil {
		fmt.Println(err)
	}
	stage, err := dbcompat.ParseStage("DUAL_WRITE") // of the environment
	if err != nil {
		fmt.Println(err)
	}
	columns, values := displayName.Insert(stage, 2)
	fmt.Println("INSERT INTO users (id, " + columns + ") VALUES ($1, " + values + ")")
	fmt.Println("UPDATE users SET " + displayName.Set(stage, 2) + " WHERE id = $1")
	fmt.Println("SELECT id, " + displayName.Select(stage, "u") + " FROM users u WHERE " + displayName.Believed(stage, "u") + " = $1")
	// Output:
	// INSERT INTO users (id, "name", "display_name") VALUES ($1, $2, $2)
	// UPDATE users SET "name" = $2, "display_name" = $2 WHERE id = $1
	// SELECT id, "u"."name" AS "display_name", ("u"."display_name" IS DISTINCT FROM "u"."name") AS "display_name_differs" FROM users u WHERE "u"."name" = $1
}

// What a row's Scan gets, and what is known of the rows that differ.
func ExampleColumn_Into() {
	var mismatches dbcompat.Mismatches // for as long as the program runs
	var id int64
	var name string
	for _, stage := range []dbcompat.Stage{dbcompat.Old, dbcompat.DualWrite} {
		targets := append([]any{&id}, displayName.Into(stage, &name, &mismatches, &id)...)
		fmt.Println(stage, len(targets)) // rows.Scan(targets...)
	}
	compared, differ := mismatches.Counts()
	fmt.Println(compared, differ, mismatches.Samples())
	// Output:
	// old 2
	// dual-write 3
	// 0 0 []
}

// A value that comes from the row: the new column's name stands for what is believed.
func ExampleColumn_SetTo() {
	stock := dbcompat.Column[int64]{Table: "items", Key: "id", Old: "stock", New: "quantity", Up: "stock::bigint", Down: "quantity::int", Type: "bigint"}
	for _, stage := range []dbcompat.Stage{dbcompat.DualWrite, dbcompat.ReadNew} {
		fmt.Println("UPDATE items SET " + stock.SetTo(stage, "", "quantity - 1"))
	}
	// Output:
	// UPDATE items SET "stock" = ((("stock"::bigint) - 1)::int), "quantity" = (("stock"::bigint) - 1)
	// UPDATE items SET "quantity" = ("quantity" - 1), "stock" = (("quantity" - 1)::int)
}

// Several columns change at once, and each way takes SQL.
func ExampleColumns() {
	name := dbcompat.Columns{
		Table: "users", Key: []string{"id"},
		Old: []string{"full_name"}, New: []string{"first_name", "last_name"},
		Up:   []string{"split_part(full_name, ' ', 1)", "split_part(full_name, ' ', 2)"},
		Down: []string{"first_name || ' ' || last_name"},
	}
	fmt.Println(name.Check())
	fmt.Println(name.Set(dbcompat.DualWrite, 2))
	fmt.Println(name.Select(dbcompat.Old, ""))
	// Output:
	// <nil>
	// "full_name" = ($2 || ' ' || $3), "first_name" = $2, "last_name" = $3
	// (split_part("full_name", ' ', 1)) AS "first_name", (split_part("full_name", ' ', 2)) AS "last_name"
}

// COPY takes rows of the columns that the stage writes.
func ExampleColumn_Copy() {
	columns, row, err := displayName.Copy(dbcompat.DualWrite)
	fmt.Println(columns, row("Ada"), err)
	// Output: [name display_name] [Ada Ada] <nil>
}

// A required column that replaces none needs no stages.
func ExampleAdded() {
	plan := dbcompat.Added[string]{Table: "users", Key: "id", Column: "plan", Fill: "CASE WHEN paid THEN 'pro' ELSE 'free' END"}
	fmt.Println(plan.Check())
	fmt.Println("SELECT " + plan.Select(""))
	set, where := plan.Missing()
	fmt.Println("UPDATE users SET " + set + " WHERE " + where)
	// Output:
	// <nil>
	// SELECT COALESCE("plan", (CASE WHEN paid THEN 'pro' ELSE 'free' END)) AS "plan"
	// UPDATE users SET "plan" = (CASE WHEN paid THEN 'pro' ELSE 'free' END) WHERE "plan" IS NULL
}

// The stage comes from where a person can change it, one step at a time.
func ExampleStepByStep() {
	environment := "old"
	source := dbcompat.StepByStep(func(context.Context) (dbcompat.Stage, error) {
		return dbcompat.ParseStage(environment)
	})
	for _, environment = range []string{"old", "dual-write", "new", "read_new"} {
		fmt.Println(source(context.Background()))
	}
	// Output:
	// old <nil>
	// dual-write <nil>
	// Stage(0) dbcompat: stage: from dual-write to new, which are no neighbours: go to read-new first, until nobody is at dual-write any more
	// read-new <nil>
}
