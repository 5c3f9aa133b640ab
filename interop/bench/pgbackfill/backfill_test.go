//go:build unix && !race

package pgbackfill_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/internal/pgtest"
)

// backfillRows is the variable with the number of rows; 20,000 by default, which is so
// few that it only shows that all of this works. A percentile wants 500,000.
const backfillRows = "HANDOVER_BENCH_BACKFILL_ROWS"

const rounds = 3

// a contender fills label from name. What is to be set up before the clock runs is done
// when it is made.
type contender struct {
	name  string
	start func(b *testing.B, users users) filling
}

type filling struct {
	run    func(context.Context) (time.Duration, error)
	column string // filled at the end
	write  string // what the load does
}

// BenchmarkBackfill fills a column of a table of 221 bytes a row while others write to it.
func BenchmarkBackfill(b *testing.B) {
	rows := 20_000
	if given := os.Getenv(backfillRows); given != "" {
		var err error
		rows, err = strconv.Atoi(given)
		require.NoError(b, err)
		require.Positive(b, rows)
	}
	server := pgtest.New(pgtest.Config{Settings: map[string]string{
		"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on",
	}}).For(b)
	all := []contender{
		{"none", none},
		{"plain-1000", plain(1000)},
		{"handover-1000", handover(backfill.Config{Start: 1000, Most: 1000})},
		{"handover-vacuum", handover(backfill.Config{Start: 1000, Most: 1000, VacuumEvery: int64(max(1, rows/6))})},
		{"plain-10000", plain(10_000)},
		{"handover-10000", handover(backfill.Config{Start: 10_000, Most: 10_000})},
		{"pgroll-1000", pgroll(1000)},
	}
	for round := range rounds {
		for i := range all {
			c := all[(i+round)%len(all)]
			b.Run(fmt.Sprintf("round=%d/contender=%s", round+1, c.name), func(b *testing.B) {
				measure(b, server, rows, c)
			})
		}
	}
}

// measure gives each run a database of its own: no run has the dead rows, the statistics
// or the triggers of another one.
func measure(b *testing.B, server *pgtest.Server, rows int, c contender) {
	var took time.Duration
	var grown float64
	var late latencies
	for range b.N {
		users := makeUsers(b, server.Database(b), rows)
		before := users.size(b)
		filling := c.start(b, users)
		load := startLoad(b, users, filling.write)
		once, err := filling.run(b.Context())
		late = append(late, load.stop(b)...)
		require.NoError(b, err)
		took += once
		if filling.column != "" {
			require.Zero(b, users.mismatches(b, filling.column), "rows that are not what they should be")
		}
		grown += users.size(b) / before
	}
	b.ReportMetric(0, "ns/op") // mostly the making of the table
	if c.name != "none" {
		b.ReportMetric(float64(rows)*float64(b.N)/took.Seconds(), "rows/s")
	}
	b.ReportMetric(grown/float64(b.N), "x-size")
	late.report(b)
}

const dualWrite = `UPDATE users SET name = $2, label = $2 WHERE id = $1`

// none lets the load be for as long as a back-fill of 200,000 rows per second would take,
// and for a second at least.
func none(b *testing.B, users users) filling {
	addLabel(b, users)
	return filling{write: dualWrite, run: func(ctx context.Context) (time.Duration, error) {
		pause := max(time.Second, time.Duration(users.rows)*time.Second/200_000)
		select {
		case <-time.After(pause):
			return pause, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}}
}

func plain(batch int) func(*testing.B, users) filling {
	return func(b *testing.B, users users) filling {
		addLabel(b, users)
		return filling{column: "label", write: dualWrite, run: timed(func(ctx context.Context) error {
			return plainBatches(ctx, users.pool, batch)
		})}
	}
}

// plainBatches are what one writes by hand: no checkpoint, no time-outs. The rows are named
// by the range of their keys: joined with a page of keys, 10,000 of 500,000 are reason
// enough for the planner to read the whole table, for each batch.
func plainBatches(ctx context.Context, pool *pgxpool.Pool, batch int) error {
	for last := int64(0); ; {
		var next *int64
		err := pool.QueryRow(ctx, `WITH page AS (SELECT max(id) AS last FROM (SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2) keys),
			done AS (UPDATE users u SET label = u.name FROM page WHERE u.id > $1 AND u.id <= page.last AND u.label IS DISTINCT FROM u.name RETURNING 1)
			SELECT last FROM page`, last, batch).Scan(&next)
		if err != nil || next == nil {
			return err
		}
		last = *next
	}
}

// handover has batches of one size: what is compared is not how it finds one.
func handover(config backfill.Config) func(*testing.B, users) filling {
	config.Target, config.NoAnalyze = time.Minute, true
	columns := dbcompat.Columns{Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"label"}}
	return func(b *testing.B, users users) filling {
		addLabel(b, users)
		fill := backfill.New(users.pool, columns, dbcompat.Fixed(dbcompat.DualWrite), config)
		return filling{column: "label", write: dualWrite, run: timed(fill.Run)}
	}
}

func timed(run func(context.Context) error) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		start := time.Now()
		err := run(ctx)
		return time.Since(start), err
	}
}
