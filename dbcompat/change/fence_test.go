package change_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
)

// The floor is raised behind the instance's back, as for one that was stopped, at each
// moment of a transaction. It has a snapshot from before, which must not help it.
func TestTheDatabaseRefusesAWriterOfAStageThatIsGone(t *testing.T) {
	levels := []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable}
	for _, level := range levels {
		t.Run(string(level), func(t *testing.T) {
			pool := database(t, pg.Database(t))
			f := fence(t, pool)
			p := join(t, pool, calm)
			pin, err := p.Pin()
			require.NoError(t, err)
			defer pin.Release()
			write := func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), "UPDATE users SET "+name.Set(pin.Stage(), 2)+" WHERE id = $1 AND "+pin.Fence(), 1, "Grace")
				return err
			}
			tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
			require.NoError(t, err)
			require.NoError(t, write(tx))
			require.NoError(t, tx.Commit(t.Context()))

			tx, err = pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
			require.NoError(t, err)
			_, err = tx.Exec(t.Context(), "SELECT FROM users") // the snapshot
			require.NoError(t, err)
			execute(t, pool, f.Raise(2))
			err = write(tx)
			require.True(t, change.Fenced(err), "%v", err)
			require.ErrorContains(t, err, "the stage of epoch 1 is gone")
			require.NoError(t, tx.Rollback(t.Context()))
			require.Equal(t, "1 Grace <nil>", query(t, pool, "SELECT * FROM users"))
		})
	}
}

func TestInTxIsRefusedAtItsBeginAndThePoolIsWhole(t *testing.T) {
	pool := database(t, pg.Database(t))
	f := fence(t, pool)
	p := join(t, pool, calm)
	calls := 0
	write := func(tx pgx.Tx, stage dbcompat.Stage) error {
		calls++
		_, err := tx.Exec(t.Context(), "UPDATE users SET "+name.Set(stage, 1), "Grace")
		return err
	}
	require.NoError(t, p.InTx(t.Context(), write))
	execute(t, pool, f.Raise(2))
	for range 20 { // more than there are connections
		err := p.InTx(t.Context(), write)
		require.ErrorIs(t, err, change.ErrFenced)
		pgErr, ok := errors.AsType[*pgconn.PgError](err)
		require.True(t, ok)
		require.Equal(t, "55000", pgErr.Code)
	}
	require.Equal(t, 1, calls)
	eventually(t, func() bool { return pool.Stat().AcquiredConns() == 0 })
	move(t, pool, 1)
	eventually(t, func() bool { return p.Status().Acknowledged == 2 })
	require.NoError(t, p.InTx(t.Context(), write))
	require.Equal(t, "1 Grace Grace", query(t, pool, "SELECT * FROM users"))
}

// Who has passed is waited for, to the end of the transaction, whatever it does.
func TestAMoveWaitsForATransactionThatHasPassed(t *testing.T) {
	pool := database(t, pg.Database(t))
	f := fence(t, pool)
	p := join(t, pool, calm)
	closes := func() error {
		return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "SET LOCAL lock_timeout = '20ms'; "+f.Close())
			return err
		})
	}
	require.NoError(t, p.InTx(t.Context(), func(pgx.Tx, dbcompat.Stage) error {
		require.ErrorContains(t, closes(), "55P03")
		return nil
	}))
	require.NoError(t, closes())
}

func TestAChangeWithoutAFence(t *testing.T) {
	pool := database(t, pg.Database(t))
	p := join(t, pool, calm)
	pin, err := p.Pin()
	require.NoError(t, err)
	defer pin.Release()
	require.Equal(t, "true", pin.Fence())
	fence(t, pool) // it gets one: what is open goes on, what begins has it
	eventually(t, func() bool { return p.Status().Fenced })
	other, err := p.Pin()
	require.NoError(t, err)
	defer other.Release()
	require.Equal(t, `(SELECT "handover".change_1_fence(1))`, other.Fence())
	require.NoError(t, pin.Held())
	require.Zero(t, p.Status().Earlier, "it is the same stage")
}

func TestFenced(t *testing.T) {
	require.False(t, change.Fenced(errors.New("another")))
	require.False(t, change.Fenced(&pgconn.PgError{Code: "55000"}))
	require.True(t, change.Fenced(&pgconn.PgError{Code: "55000", Hint: "handover: fenced"}))
}

// Whose caller goes while PostgreSQL commits still has its stage: the COMMIT may be done.
func TestACommitIsWaitedForThoughTheCallerHasGone(t *testing.T) {
	pool := database(t, pg.Database(t))
	execute(t, pool, `CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER wait AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()`)
	p := join(t, pool, calm)
	blocker, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = blocker.Exec(t.Context(), "SELECT pg_advisory_xact_lock(1)")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- p.InTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) error {
			_, err := tx.Exec(ctx, "UPDATE users SET "+name.Set(stage, 1), "Grace")
			return err
		})
	}()
	eventually(t, func() bool {
		return query(t, pool, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'commit' AND wait_event = 'advisory'") == "1"
	})
	cancel()
	require.EqualValues(t, 1, p.Status().Pins)
	require.NoError(t, blocker.Rollback(t.Context()))
	require.NoError(t, <-ended)
	require.Equal(t, "1 Grace <nil>", query(t, pool, "SELECT * FROM users"))
}

// Without a fence a COMMIT that has not been answered may still be done. So its epoch is
// not given up by this instance, but left to lapse, and to who moves the change: it then
// looks for a transaction from before.
func TestACommitThatIsNotAnsweredKeepsItsEpoch(t *testing.T) {
	pool := database(t, pg.Database(t))
	execute(t, pool, `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		LOOP BEGIN PERFORM pg_advisory_lock(7); RETURN NULL; EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;
		CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`)
	lock, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer lock.Release()
	_, err = lock.Exec(t.Context(), "SELECT pg_advisory_lock(7)")
	require.NoError(t, err)
	config := calm
	config.TTL, config.Margin = time.Hour, 100*time.Millisecond
	p := join(t, pool, config)
	err = p.InTx(t.Context(), func(tx pgx.Tx, stage dbcompat.Stage) error {
		_, err := tx.Exec(t.Context(), "UPDATE users SET "+name.Set(stage, 1), "Grace")
		return err
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	move(t, pool, 1)
	epochs := func() string {
		return query(t, pool, "SELECT string_agg(epoch::text, ' ' ORDER BY epoch) FROM handover.change_instances")
	}
	eventually(t, func() bool { return epochs() == "1 2" })
	require.NoError(t, p.Check(t.Context()))
	p.at(t, dbcompat.DualWrite)
	_, err = lock.Exec(t.Context(), "SELECT pg_advisory_unlock(7)")
	require.NoError(t, err)
	eventually(t, func() bool { return query(t, pool, "SELECT * FROM users") == "1 Grace <nil>" })
	require.NoError(t, p.Leave(t.Context()))
	require.Equal(t, "1", epochs())
}
