package pgtest_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/internal/pgtest"
)

// A program that brings its database along. (It has no Output, as it is not run where
// there is no PostgreSQL.)
func Example() {
	ctx := context.Background()
	pg := pgtest.New(pgtest.Config{})
	if err := pg.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = pg.Close() }()

	conn, err := pgx.Connect(ctx, pg.URL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	fmt.Println(conn.PgConn().ParameterStatus("in_hot_standby"))
}
