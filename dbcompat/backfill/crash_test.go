package backfill_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
	"github.com/handover-go/handover/internal/pgtest"
)

// The batches do not wait for the disk, so a crash of the server takes the last of them
// back. This one writes what nobody waits for as late as it can.
func TestACrashOfTheServer(t *testing.T) {
	server := pgtest.New(pgtest.Config{Settings: map[string]string{"full_page_writes": "on", "wal_writer_delay": "10s"}}).For(t)
	crash := func(t *testing.T, pool *pgxpool.Pool) {
		t.Helper()
		require.NoError(t, server.Kill(t.Context()))
		require.NoError(t, server.Start(t.Context()))
		pool.Reset() // of a connection that is gone each query would say so
	}
	t.Run("takes rows and checkpoint back together", func(t *testing.T) { crashBetweenBatches(t, server, crash) })
	t.Run("during a batch", func(t *testing.T) { crashDuringABatch(t, server) })
	t.Run("is why a verification has the LSN of what is not written yet", func(t *testing.T) { lsnOfWhatIsNotWritten(t, server) })
}

// crashed makes a table with a count of each row's updates.
func crashed(t *testing.T, server *pgtest.Server, rows int) *pgxpool.Pool {
	t.Helper()
	pool := open(t, server.Database(t), 4)
	execute(t, pool, fmt.Sprintf(`CREATE TABLE users (id bigint PRIMARY KEY, name text, label text);
		INSERT INTO users SELECT i, 'name' || i FROM generate_series(1, %d) i`, rows))
	count(t, pool)
	return pool
}

func crashBetweenBatches(t *testing.T, server *pgtest.Server, crash func(*testing.T, *pgxpool.Pool)) {
	const rows = 2000
	pool := crashed(t, server, rows)
	number := func(sql string) int {
		n, err := strconv.Atoi(one(t, pool, sql))
		require.NoError(t, err)
		return n
	}
	asked, lost := 0, 0
	fill := backfill.New(pool, name, func(context.Context) (dbcompat.Stage, error) {
		if asked++; asked == 7 || asked == 19 {
			before := number("SELECT rows FROM handover.backfills")
			crash(t, pool)
			after := number("SELECT rows FROM handover.backfills")
			lost += before - after
			require.Equal(t, after, number("SELECT changed FROM handover.backfills"))
			require.Equal(t, after, number("SELECT count(label) FROM users"), "the rows are where the checkpoint is")
			require.Equal(t, after, number("SELECT count(*) FROM updates"))
		}
		return dbcompat.DualWrite, nil
	}, backfill.Config{Start: 100, Most: 100})
	require.NoError(t, fill.Run(t.Context()), "it goes on with the server that is there then")
	require.Positive(t, lost, "what was lost is done again")

	// The end has waited for the disk, and so has the verification.
	v := verified(t, fill)
	require.Zero(t, v.Mismatches)
	crash(t, pool)
	s := status(t, fill)
	require.Equal(t, backfill.Done, s.State)
	require.EqualValues(t, rows, s.Rows)
	require.EqualValues(t, rows, s.Changed)
	require.Equal(t, fmt.Sprintf("%d %d", rows, rows), one(t, pool, "SELECT count(*), count(DISTINCT id) FROM updates"))
	stored, err := fill.Verified(t.Context())
	require.NoError(t, err)
	require.Equal(t, v.LSN, stored.LSN)
	require.Zero(t, verified(t, fill).Mismatches)
}

// The batch ends without an answer, and the pool has other connections that are broken.
func crashDuringABatch(t *testing.T, server *pgtest.Server) {
	const rows = 1000
	pool := crashed(t, server, rows)
	_, release := lock(t, pool, "id = 555")
	defer release()
	fill := backfill.New(pool, name, dual, backfill.Config{Start: 100, Most: 100})
	ended := make(chan error, 1)
	go func() { ended <- fill.Run(t.Context()) }()
	require.Eventually(t, func() bool { return one(t, pool, "SELECT count(*) FROM pg_locks WHERE NOT granted") != "0" }, time.Minute, time.Millisecond)
	require.NoError(t, server.Kill(t.Context()))
	require.NoError(t, server.Start(t.Context()))
	require.NoError(t, <-ended)
	pool.Reset()
	require.Equal(t, fmt.Sprintf("%d %d", rows, rows), one(t, pool, "SELECT count(*), count(DISTINCT id) FROM updates"))
	require.EqualValues(t, rows, status(t, fill).Changed)
	require.Zero(t, verified(t, fill).Mismatches)
}

// Others may not wait for the disk either.
func lsnOfWhatIsNotWritten(t *testing.T, server *pgtest.Server) {
	pool := crashed(t, server, 1)
	fill := backfill.New(pool, name, dual, backfill.Config{})
	require.NoError(t, fill.Run(t.Context()))
	require.Zero(t, verified(t, fill).Mismatches)
	execute(t, pool, "BEGIN; SET LOCAL synchronous_commit = off; UPDATE users SET label = 'B'; COMMIT")
	lsn := one(t, pool, "SELECT pg_current_wal_insert_lsn()::text")
	v := verified(t, fill)
	require.EqualValues(t, 1, v.Mismatches)
	require.Equal(t, "true", one(t, pool, fmt.Sprintf("SELECT ('%s'::pg_lsn >= '%s')::text", v.LSN, lsn)))
}
