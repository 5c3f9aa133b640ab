package backfill_test

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
)

// backfillRows is the variable with the number of rows; 200,000 by default.
const backfillRows = "HANDOVER_BENCH_BACKFILL_ROWS"

// BenchmarkRun fills a column of a table of 221 bytes a row: by plain keyset batches,
// each one statement with the same predicate, and by the package, in batches of the same
// size, each on a table of its own. -count 3 and more tells the machine's noise from the
// difference. x-size is the table's size at the end, as a multiple of what it was.
func BenchmarkRun(b *testing.B) {
	rows := 200_000
	if given := os.Getenv(backfillRows); given != "" {
		var err error
		rows, err = strconv.Atoi(given)
		require.NoError(b, err)
	}
	pool := open(b, pg.Database(b), 4)
	for _, batch := range []int{1000, 10_000} {
		contenders := []struct {
			name string
			run  func() error
		}{
			{"plain", func() error { return plainBatches(b.Context(), pool, batch) }},
			{"handover", func() error {
				return handoverBatches(b.Context(), pool, backfill.Config{Start: batch, Most: batch, Target: time.Minute})
			}},
			{"handover-vacuum", func() error {
				return handoverBatches(b.Context(), pool, backfill.Config{Start: batch, Most: batch, Target: time.Minute, VacuumEvery: int64(rows / 10)})
			}},
		}
		for _, c := range contenders {
			b.Run(fmt.Sprintf("%s-%d", c.name, batch), func(b *testing.B) {
				var took time.Duration
				var grown float64
				for range b.N {
					before := usersTable(b, pool, rows)
					start := time.Now()
					require.NoError(b, c.run())
					took += time.Since(start)
					var after, wrong float64
					require.NoError(b, pool.QueryRow(b.Context(), `SELECT pg_table_size('users'),
						(SELECT count(*) FROM users WHERE label IS DISTINCT FROM name)`).Scan(&after, &wrong))
					require.Zero(b, wrong)
					grown += after / before
				}
				b.ReportMetric(float64(rows)*float64(b.N)/took.Seconds(), "rows/s")
				b.ReportMetric(grown/float64(b.N), "x-size")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// usersTable makes it anew, and returns its size.
func usersTable(b *testing.B, pool *pgxpool.Pool, rows int) (size float64) {
	for _, sql := range []string{
		`DROP TABLE IF EXISTS users`,
		`CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, label text, email text, bio text, at timestamptz DEFAULT now())`,
		fmt.Sprintf(`INSERT INTO users (id, name, email, bio) SELECT i, 'name ' || i, i || '@example.org', repeat('x', 120) FROM generate_series(1, %d) i`, rows),
		`VACUUM ANALYZE users`,
		`CHECKPOINT`,
	} {
		_, err := pool.Exec(b.Context(), sql)
		require.NoError(b, err)
	}
	require.NoError(b, pool.QueryRow(b.Context(), "SELECT pg_table_size('users')").Scan(&size))
	return size
}

// plainBatches are what one writes by hand: no checkpoint, no time-outs.
func plainBatches(ctx context.Context, pool *pgxpool.Pool, batch int) error {
	for last := int64(0); ; {
		var next *int64
		err := pool.QueryRow(ctx, `WITH page AS (SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT $2),
			done AS (UPDATE users u SET label = u.name FROM page WHERE u.id = page.id AND u.label IS DISTINCT FROM u.name RETURNING 1)
			SELECT max(id) FROM page`, last, batch).Scan(&next)
		if err != nil || next == nil {
			return err
		}
		last = *next
	}
}

func handoverBatches(ctx context.Context, pool *pgxpool.Pool, config backfill.Config) error {
	columns := dbcompat.Columns{Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"label"}}
	config.NoAnalyze = true
	return backfill.New(pool, columns, dbcompat.Fixed(dbcompat.DualWrite), config).Run(ctx)
}
