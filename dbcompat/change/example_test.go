package change_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
)

// A service takes part in a change: Join, Run and Leave are those of a component, and
// Check is for readiness. (It has no Output, as it is not run where there is no
// PostgreSQL.)
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	pool, err := pgxpool.New(ctx, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	displayName := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name"}
	ch := change.New(pool, "users-name", displayName.Columns(), change.Config{})
	if err := ch.Join(ctx); err != nil {
		fmt.Println(err)
		return
	}
	ran := make(chan error, 1)
	go func() { ran <- ch.Run(ctx) }()

	err = ch.InTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) error {
		_, err := tx.Exec(ctx, "UPDATE users SET "+displayName.Set(stage, 2)+" WHERE id = $1", 1, "Ada")
		return err
	})
	fmt.Println(err, ch.Check(ctx))

	fmt.Println(ch.Leave(ctx))
	stop()
	fmt.Println(<-ran)
}

// A transaction of one's own: pinned from before its BEGIN to after its end.
func ExampleChange_Pin() {
	var ch *change.Change // see above
	var pool *pgxpool.Pool
	rename := func(ctx context.Context) error {
		pin, err := ch.Pin()
		if err != nil {
			return err
		}
		defer pin.Release()
		return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
			set := name.Set(pin.Stage(), 2)
			if _, err := tx.Exec(ctx, "UPDATE users SET "+set+" WHERE id = $1 AND "+pin.Fence(), 1, "Ada"); err != nil {
				return err // change.Fenced tells whether it is the fence's
			}
			return pin.Held()
		})
	}
	_ = rename
}

// What is wrong with the arguments is all said at once, by Join.
func ExampleNew() {
	columns := dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "name"}
	ch := change.New(nil, "users-name", columns.Columns(), change.Config{Min: dbcompat.New, Max: dbcompat.Old})
	fmt.Println(ch.Join(context.Background()))
	// Output:
	// change: join users-name: the pool is nil: make one with pgxpool.New
	// dbcompat: columns of "users": "name" is there twice: a column is replaced by another one
	// Config.Min is new and Max old: give the first and the last stage that this build can do
}

// An instance without a lease is not ready, and takes no transaction.
func ExampleChange_Check() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://app@localhost/app?host=/nowhere") // dials when it is used
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	ch := change.New(pool, "users-name", name.Columns(), change.Config{}) // Join is still to come
	fmt.Println(ch.Check(ctx))

	err = ch.InTx(ctx, func(pgx.Tx, dbcompat.Stage) error { return nil })
	fmt.Println(errors.Is(err, change.ErrNotJoined), change.Fenced(err))
	// Output:
	// change: users-name: not joined: Join has not been called: it is the component's Start
	// true false
}
