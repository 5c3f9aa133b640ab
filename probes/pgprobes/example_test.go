package pgprobes_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/pgprobes"
)

// A pool dials when it is used, and so does a check: a database that is down when the
// program starts is no crash loop, but an instance that is not ready yet.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	pool, err := pgxpool.New(ctx, "postgres://app@localhost/app?host=/nowhere")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	health := probes.New(probes.Config{})
	if err := health.Add(pgprobes.Pool("postgres", pool, pgprobes.Config{})); err != nil {
		fmt.Println(err)
		return
	}
	_ = health.Ready(ctx)
	ended := make(chan error)
	go func() { ended <- health.Run(ctx) }()
	for health.Report().Checks[0].Age == 0 { // a prober comes back
		<-time.After(time.Millisecond)
	}
	fmt.Println(health.Report().Checks[0].Name, health.Report().Checks[0].Reason)
	cancel()
	fmt.Println(<-ended)
	// Output:
	// postgres down
	// <nil>
}
