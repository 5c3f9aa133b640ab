package backfill_test

import (
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

// BenchmarkRun fills a column of a table of 221 bytes a row, with nobody else about. What
// plain SQL and others take for that, and what a load beside it feels, is measured in
// interop/bench/pgbackfill. x-size is the table's size at the end, as a multiple of what
// it was.
func BenchmarkRun(b *testing.B) {
	rows := 200_000
	if given := os.Getenv(backfillRows); given != "" {
		var err error
		rows, err = strconv.Atoi(given)
		require.NoError(b, err)
	}
	columns := dbcompat.Columns{Table: "users", Key: []string{"id"}, Old: []string{"name"}, New: []string{"label"}}
	pool := open(b, pg.Database(b), 4)
	for name, config := range map[string]backfill.Config{
		"1000":        {Start: 1000, Most: 1000},
		"1000-vacuum": {Start: 1000, Most: 1000, VacuumEvery: int64(rows / 10)},
		"10000":       {Start: 10_000, Most: 10_000},
	} {
		config.Target, config.NoAnalyze = time.Minute, true // batches of one size
		b.Run(name, func(b *testing.B) {
			var took time.Duration
			var grown float64
			for range b.N {
				before := usersTable(b, pool, rows)
				start := time.Now()
				require.NoError(b, backfill.New(pool, columns, dbcompat.Fixed(dbcompat.DualWrite), config).Run(b.Context()))
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
