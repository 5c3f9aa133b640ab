package change_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
)

const envChild = "HANDOVER_CHANGE_CHILD"

// child is an instance of its own: it writes in a transaction, says so, and is told when
// to go on to the commit. Then it says what has become of that.
func child(url string) {
	if err := childErr(url); err != nil {
		fmt.Println("fault:", err)
		os.Exit(1)
	}
}

func childErr(url string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	c := change.New(pool, "users-name", name.Columns(), change.Config{TTL: time.Second, Name: "child", Logger: slog.New(slog.DiscardHandler)})
	if err := c.Join(ctx); err != nil {
		return err
	}
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	orders := bufio.NewScanner(os.Stdin)
	for written := false; !written; { // on a slow machine the lease may be over before it has begun
		err = c.InTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) error {
			_, err := tx.Exec(ctx, "UPDATE users SET "+name.Set(stage, 1), "Grace")
			written = true
			fmt.Println("written")
			orders.Scan()
			return err
		})
	}
	fmt.Println("fenced:", errors.Is(err, change.ErrFenced), "error:", err)
	cancel()
	return <-ran
}
