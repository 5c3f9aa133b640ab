package backfill_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
)

// envVictim has the URL of the database for a process that is going to be killed.
const envVictim = "BACKFILL_TEST_VICTIM"

func victim(url string) int {
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		return 1
	}
	defer pool.Close()
	config := backfill.Config{Start: 200, Most: 400, Rate: 10_000, Lease: 600 * time.Millisecond}
	if err := backfill.New(pool, name, dual, config).Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// It is killed at random moments, until it has come to its end. Meanwhile others write
// both columns of the same rows, and one row at a time only the one that is believed.
func TestKilledAgainAndAgainItDoesEachRowOnce(t *testing.T) {
	const rows = 20_000
	pool := users(t, rows)
	count(t, pool)
	url := pool.Config().ConnString()
	kills := 0
	for {
		process := exec.Command(os.Args[0])
		process.Env = append(os.Environ(), envVictim+"="+url)
		process.Stderr = os.Stderr
		require.NoError(t, process.Start())
		ended := make(chan error, 1)
		go func() { ended <- process.Wait() }()
		patience := time.Minute
		if kills < 5 {
			patience = time.Duration(100+rand.IntN(900)) * time.Millisecond
		}
		select {
		case err := <-ended:
			require.NoError(t, err)
		case <-time.After(patience):
			require.NoError(t, process.Process.Kill())
			require.Error(t, <-ended)
			kills++
		}
		// One that is killed on its way to the exit has come to its end as well.
		fill := backfill.New(pool, name, dual, backfill.Config{})
		s, err := fill.Status(t.Context())
		if err != nil || s.State != backfill.Done { // the tables may not be there yet
			continue
		}
		require.EqualValues(t, rows, s.Rows)
		require.EqualValues(t, rows, s.Changed, "the counts are exact as well")
		require.Empty(t, query(t, pool, "SELECT id FROM updates GROUP BY id HAVING count(*) > 1"))
		require.Equal(t, fmt.Sprint(rows), one(t, pool, "SELECT count(*) FROM updates"))
		require.Zero(t, verified(t, fill).Mismatches)
		t.Logf("killed %d times", kills)
		return
	}
}

func TestWritersOfBothColumnsLoseNothing(t *testing.T) {
	const rows = 150
	pool := open(t, users(t, rows).Config().ConnString(), 8)
	fill := backfill.New(pool, name, dual, backfill.Config{Start: 20, Most: 100, Target: time.Millisecond, Blocked: -1})
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	var ledger [rows + 1]atomic.Int64 // what was written last
	var writes atomic.Int64
	set := name.Set(dbcompat.DualWrite, 2)
	for w := range 3 {
		writers.Go(func() { // each has rows of its own, so that it knows their values
			for n := int64(1); ctx.Err() == nil; n++ {
				id := 1 + w + 3*rand.IntN(rows/3)
				value := fmt.Sprintf("W%d", n)
				if _, err := pool.Exec(t.Context(), "UPDATE users SET "+set+" WHERE id = $1", id, value); err != nil {
					t.Error(err)
					return
				}
				ledger[id].Store(n)
				writes.Add(1)
			}
		})
	}
	// Each time someone has put all of the twins wrong: all rows are to be done.
	for range 3 {
		execute(t, pool, "UPDATE users SET label = NULL WHERE id % 3 = 0")
		require.NoError(t, fill.Run(t.Context()))
	}
	stop()
	writers.Wait()
	require.NoError(t, fill.Run(t.Context()))
	require.Zero(t, verified(t, fill).Mismatches)
	for id := range ledger {
		if n := ledger[id].Load(); n > 0 {
			require.Equal(t, fmt.Sprintf("w%d W%d", n, n), one(t, pool, fmt.Sprintf("SELECT name, label FROM users WHERE id = %d", id)))
		}
	}
	require.Greater(t, writes.Load(), int64(100))
	t.Logf("%d writes", writes.Load())
}
