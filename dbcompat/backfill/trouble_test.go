package backfill_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
)

// lock holds rows of users in a transaction, until release is called.
func lock(t testing.TB, pool *pgxpool.Pool, where string) (tx pgx.Tx, release func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "SELECT FROM users WHERE "+where+" FOR UPDATE")
	require.NoError(t, err)
	return tx, func() { _ = tx.Rollback(t.Context()) }
}

func TestWhatPassesIsTriedAgainWithHalfOfTheRows(t *testing.T) {
	for _, code := range []string{"40001", "40P01", "55P03", "57014"} {
		t.Run(code, func(t *testing.T) {
			pool := users(t, 300)
			count(t, pool)
			execute(t, pool, `CREATE SEQUENCE failures; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
				$$BEGIN IF NEW.id > 150 AND nextval('failures') <= 3 THEN RAISE 'no' USING ERRCODE = '`+code+`'; END IF; RETURN NEW; END$$;
				CREATE TRIGGER fail BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION fail()`)
			fill := backfill.New(pool, name, dual, backfill.Config{Start: 100})
			require.NoError(t, fill.Run(t.Context()))
			require.Equal(t, "300 300", one(t, pool, "SELECT count(*), count(DISTINCT id) FROM updates"))
		})
	}
}

func TestARowThatStaysLockedStopsItAndItGoesOnLater(t *testing.T) {
	pool := users(t, 100)
	_, release := lock(t, pool, "id = 42")
	fill := backfill.New(pool, name, dual, backfill.Config{Start: 8, Attempts: 4, LockTimeout: 20 * time.Millisecond})
	err := fill.Run(t.Context())
	require.ErrorContains(t, err, "4 attempts: ")
	require.ErrorContains(t, err, "55P03")
	rows := status(t, fill).Rows
	require.Less(t, rows, int64(42))
	require.False(t, status(t, fill).Alive)
	release()
	require.NoError(t, fill.Run(t.Context()))
	require.EqualValues(t, 100, status(t, fill).Changed)
}

func TestWhoTriesAgainKeepsTheLease(t *testing.T) {
	pool := users(t, 10)
	_, release := lock(t, pool, "id = 5")
	defer release()
	fill := backfill.New(pool, name, dual, backfill.Config{Attempts: 6, LockTimeout: 20 * time.Millisecond})
	ended := make(chan error, 1)
	go func() { ended <- fill.Run(t.Context()) }()
	lease := func() string { return one(t, pool, "SELECT leased_until FROM handover.backfills") }
	waits := func() bool { return one(t, pool, "SELECT count(*) FROM pg_locks WHERE NOT granted") != "0" }
	require.Eventually(t, waits, time.Minute, time.Millisecond)
	was := lease()
	require.Eventually(t, func() bool { return lease() > was }, time.Minute, 10*time.Millisecond) // later it ends: 1970
	require.ErrorContains(t, <-ended, "6 attempts: ")
}

// DDL comes between two batches: they are prepared by nobody, and look at the table anew.
func TestDDLBetweenBatches(t *testing.T) {
	pool := users(t, 1000)
	ddl := map[int]string{
		4: "ALTER TABLE users ADD COLUMN more text",
		6: "ALTER TABLE users ALTER COLUMN id TYPE int",
		8: "ALTER TABLE users ALTER COLUMN label SET DEFAULT 'x'",
	}
	asked := 0
	fill := backfill.New(pool, name, func(ctx context.Context) (dbcompat.Stage, error) {
		asked++
		_, err := pool.Exec(ctx, ddl[asked])
		return dbcompat.DualWrite, err
	}, backfill.Config{Start: 50, Most: 50})
	require.NoError(t, fill.Run(t.Context()))
	require.EqualValues(t, 1000, status(t, fill).Changed)
	require.Zero(t, verified(t, fill).Mismatches)
}

// A writer takes rows in the other order: one of the two is the victim.
func TestADeadlockIsNobodysLoss(t *testing.T) {
	pool := users(t, 1000)
	fill := backfill.New(pool, name, dual, backfill.Config{Start: 1000, LockTimeout: 4 * time.Second, Blocked: -1})
	tx, release := lock(t, pool, "id = 900")
	defer release()
	ended := make(chan error, 1)
	go func() { ended <- fill.Run(t.Context()) }()
	require.Eventually(t, func() bool {
		return one(t, pool, "SELECT count(*) FROM pg_locks WHERE NOT granted") != "0"
	}, time.Minute, time.Millisecond)
	// The batch has all rows up to 900 and waits for that one.
	_, err := tx.Exec(t.Context(), "UPDATE users SET name = 'mine', label = 'MINE' WHERE id = 10")
	if err == nil { // the batch was the victim
		require.NoError(t, tx.Commit(t.Context()))
	} else {
		require.ErrorContains(t, err, "40P01")
		release()
	}
	require.NoError(t, <-ended)
	require.Zero(t, verified(t, fill).Mismatches)
}

func TestOnlyOneRunsAtATime(t *testing.T) {
	pool := users(t, 1000)
	count(t, pool)
	config := backfill.Config{Start: 5, Most: 5, Lease: 500 * time.Millisecond}
	errs := make(chan error, 3)
	for range cap(errs) {
		go func() { errs <- backfill.New(pool, name, dual, config).Run(t.Context()) }()
	}
	done := 0
	for range cap(errs) {
		if err := <-errs; err == nil {
			done++
		} else {
			require.ErrorIs(t, err, backfill.ErrBusy)
		}
	}
	require.GreaterOrEqual(t, done, 1)
	require.Equal(t, "1000 1000", one(t, pool, "SELECT count(*), count(DISTINCT id) FROM updates"))
}

func TestARunnerThatWasSilentForTooLongHasLost(t *testing.T) {
	pool := users(t, 100)
	batches := 0
	source := func(ctx context.Context) (dbcompat.Stage, error) {
		if batches++; batches == 5 { // another one takes over, as if we had been stopped
			_, err := pool.Exec(ctx, "UPDATE handover.backfills SET runner = 'somebody', leased_until = now() + interval '1 minute'")
			return dbcompat.DualWrite, err
		}
		return dbcompat.DualWrite, nil
	}
	fill := backfill.New(pool, name, source, backfill.Config{Start: 10, Most: 10, Target: time.Minute}) // none is halved
	require.ErrorIs(t, fill.Run(t.Context()), backfill.ErrLost)
	s := status(t, fill)
	require.True(t, s.Alive)
	require.Equal(t, "somebody", s.Runner, "the lease is not given back by who has not got it")
	require.EqualValues(t, 30, s.Rows)
}

func TestPauseResumeCancel(t *testing.T) {
	pool := users(t, 200)
	var fill *backfill.Backfill
	var batches atomic.Int64
	source := func(ctx context.Context) (dbcompat.Stage, error) {
		var err error
		if batches.Add(1) == 5 {
			err = fill.Pause(ctx)
		}
		return dbcompat.DualWrite, err
	}
	fill = backfill.New(pool, name, source, backfill.Config{Start: 10, Most: 10})
	require.ErrorIs(t, fill.Pause(t.Context()), backfill.ErrNoRun)
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { ended <- fill.Run(ctx) }()
	waiting := func() bool { return status(t, fill).Waiting == "Resume" }
	require.Eventually(t, waiting, time.Minute, time.Millisecond)
	s := status(t, fill)
	require.Equal(t, backfill.Paused, s.State)
	require.True(t, s.Alive)
	rows := s.Rows
	require.NoError(t, fill.Pause(t.Context()), "twice is once")
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)

	// A pause outlives the process that was paused.
	go func() { ended <- fill.Run(t.Context()) }()
	require.Eventually(t, waiting, time.Minute, time.Millisecond)
	require.Equal(t, rows, status(t, fill).Rows)
	require.NoError(t, fill.Cancel(t.Context()))
	require.ErrorIs(t, <-ended, backfill.ErrCancelled)
	require.ErrorIs(t, fill.Resume(t.Context()), backfill.ErrNoRun)

	require.NoError(t, fill.Run(t.Context()), "the next one begins at the beginning")
	s = status(t, fill)
	require.EqualValues(t, 200, s.Rows)
	require.Equal(t, 200-rows, s.Changed)
	require.ErrorIs(t, fill.Cancel(t.Context()), backfill.ErrNoRun)
}

func TestAnInterruptionFinishesTheBatch(t *testing.T) {
	pool := users(t, 100)
	count(t, pool)
	ctx, stop := context.WithCancel(t.Context())
	batches := 0
	source := func(context.Context) (dbcompat.Stage, error) {
		if batches++; batches == 4 {
			stop()
		}
		return dbcompat.DualWrite, nil
	}
	fill := backfill.New(pool, name, source, backfill.Config{Start: 10, Most: 10})
	require.ErrorIs(t, fill.Run(ctx), context.Canceled)
	require.False(t, status(t, fill).Alive, "the next one need not wait")
	plan, err := fill.Plan(t.Context())
	require.NoError(t, err)
	require.True(t, plan.Resumes)
	require.NoError(t, fill.Run(t.Context()))
	require.Equal(t, "100 100", one(t, pool, "SELECT count(*), count(DISTINCT id) FROM updates"))
}

// As behind a pooler by transaction: each transaction may be in another session, in which
// nothing is left of the one before.
func TestBehindAPoolerByTransaction(t *testing.T) {
	pool := users(t, 500)
	config := pool.Config()
	config.MaxConns = 2
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.ConnConfig.StatementCacheCapacity = 0
	config.ConnConfig.DescriptionCacheCapacity = 0
	config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
	config.BeforeAcquire = func(ctx context.Context, conn *pgx.Conn) bool {
		_, err := conn.Exec(ctx, "DISCARD ALL")
		return err == nil
	}
	pooled, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer pooled.Close()
	fill := backfill.New(pooled, name, dual, backfill.Config{Start: 20, Most: 40, VacuumEvery: 100})
	require.NoError(t, fill.Run(t.Context()))
	require.Zero(t, verified(t, fill).Mismatches)
	require.Equal(t, "0", one(t, pool, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
	require.Equal(t, []string{"0"}, query(t, pooled, "SELECT setting FROM pg_settings WHERE name = 'lock_timeout'"), "nothing is left of us")
}

// Whoever shares the server with a back-fill waits for the disk when a checkpoint finds a
// gigabyte that is not there yet.
func TestABatchIsOnItsWayToTheDiskAtOnceAndWaitsForNothing(t *testing.T) {
	pool := users(t, 100)
	const ask = `SELECT current_setting('synchronous_commit') || ' ' || current_setting('backend_flush_after')`
	execute(t, pool, `CREATE TABLE seen (settings text UNIQUE);
		CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen `+ask+` ON CONFLICT DO NOTHING; RETURN NEW; END $$;
		CREATE TRIGGER see BEFORE UPDATE OF label ON users FOR EACH ROW EXECUTE FUNCTION see()`)
	seen := func() []string {
		execute(t, pool, "UPDATE users SET label = NULL; TRUNCATE seen")
		require.NoError(t, backfill.New(pool, name, dual, backfill.Config{Start: 10, Most: 10}).Run(t.Context()))
		return query(t, pool, "SELECT settings FROM seen")
	}
	before := one(t, pool, ask)
	require.Equal(t, []string{"off 512kB"}, seen())
	require.Equal(t, before, one(t, pool, ask), "a setting ends with its batch")

	execute(t, pool, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET backend_flush_after = 8', current_database()); END $$`)
	pool.Reset()
	require.Equal(t, []string{"off 64kB"}, seen(), "who has chosen another one keeps it")
}

func TestThrottlesRateAndVacuum(t *testing.T) {
	pool := users(t, 1000)
	var asked []string
	throttle := func(name string, waits ...time.Duration) backfill.Throttle {
		return func(context.Context) (time.Duration, string) {
			asked = append(asked, name)
			if len(waits) == 0 {
				return 0, ""
			}
			wait := waits[0]
			waits = waits[1:]
			return wait, name
		}
	}
	fill := backfill.New(pool, name, dual, backfill.Config{
		Start: 500, Most: 500, Rate: 10_000, VacuumEvery: 400,
		Throttles: []backfill.Throttle{
			throttle("p99", time.Millisecond, time.Millisecond), throttle("night"),
			backfill.ReplicaLag(pool, time.Second), backfill.Autovacuum(pool, name),
		},
	})
	began := time.Now()
	require.NoError(t, fill.Run(t.Context()))
	require.GreaterOrEqual(t, time.Since(began), 90*time.Millisecond, "1,000 rows, at 10,000 in a second")
	require.Equal(t, "p99 p99 p99 night", strings.Join(asked[:4], " "))
	require.Eventually(t, func() bool { // statistics come a little later
		return one(t, pool, "SELECT vacuum_count > 0 FROM pg_stat_user_tables WHERE relname = 'users'") == "true"
	}, time.Minute, 10*time.Millisecond)
}

func TestAThrottleThatCannotBeMeasuredHolds(t *testing.T) {
	pool := users(t, 0)
	closed := open(t, pool.Config().ConnString(), 1)
	closed.Close()
	for _, pool := range []*pgxpool.Pool{closed, nil} {
		for what, throttle := range map[string]backfill.Throttle{
			"replica lag": backfill.ReplicaLag(pool, time.Second), "autovacuum": backfill.Autovacuum(pool, name),
		} {
			wait, reason := throttle(t.Context())
			require.Positive(t, wait)
			require.Contains(t, reason, what)
		}
	}
}

// A session waits for a row of the batch, which waits for another one: the next batch is
// smaller.
func TestSessionsThatABatchBlocksAreSeen(t *testing.T) {
	pool := open(t, users(t, 100).Config().ConnString(), 8)
	_, release := lock(t, pool, "id = 50")
	fill := backfill.New(pool, name, dual, backfill.Config{Start: 60, Most: 60, Target: 100 * time.Millisecond, LockTimeout: 4 * time.Second})
	ended := make(chan error, 1)
	go func() { ended <- fill.Run(t.Context()) }()
	waits := func(n int) func() bool {
		return func() bool {
			return one(t, pool, "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted") == fmt.Sprint(n)
		}
	}
	require.Eventually(t, waits(1), time.Minute, time.Millisecond)
	blocked := make(chan error, 1)
	go func() {
		_, err := pool.Exec(t.Context(), "UPDATE users SET name = 'b', label = 'B' WHERE id = 10")
		blocked <- err
	}()
	require.Eventually(t, waits(2), time.Minute, time.Millisecond)
	timer := time.NewTimer(300 * time.Millisecond) // more than half of the target, which is when it looks
	<-timer.C
	release()
	require.NoError(t, <-blocked)
	require.Eventually(t, func() bool { return status(t, fill).Waiting == "1 sessions that a batch has blocked" }, time.Minute, time.Millisecond)
	require.NoError(t, <-ended)
	require.Zero(t, verified(t, fill).Mismatches)
}
