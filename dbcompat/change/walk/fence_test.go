package walk_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk"
)

// pass is what an instance's transaction asks, at the first epoch.
const pass = "SELECT handover.change_1_fence(1)"

// code is PostgreSQL's, or "" for a success.
func code(err error) string {
	if err == nil {
		return ""
	}
	return err.(*pgconn.PgError).Code //nolint:errorlint // pgx wraps none that is asked for here
}

func TestAWriterOfAnEpochThatIsGone(t *testing.T) {
	pool := open(t, pg.Database(t))
	for name, c := range map[string]struct {
		isolation pgx.TxIsoLevel
		first     string // in the transaction, before the move
		settles   bool   // while it is open
		write     string // in it, afterwards
		commit    string
	}{
		"one that has passed is waited for":               {pgx.ReadCommitted, pass, false, "", ""},
		"at repeatable read too":                          {pgx.RepeatableRead, pass, false, "", ""},
		"one that has begun and not passed is refused":    {pgx.ReadCommitted, "SELECT 1", true, "55000", ""},
		"at repeatable read, with a snapshot from before": {pgx.RepeatableRead, "SELECT * FROM users", true, "55000", ""},
		"at serializable as well":                         {pgx.Serializable, "SELECT * FROM users", true, "55000", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := again(t, pool, patient, walk.Options{Fence: true})
			instance(t, pool, "web-1", dbcompat.Old, dbcompat.New)
			writer := session(t, pool, "web-1")
			tx, err := writer.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: c.isolation})
			require.NoError(t, err)
			execute(t, tx, c.first)

			require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
			lapse(t, pool, "web-1") // it has been stopped
			err = w.Settle(t.Context())
			if c.settles {
				require.NoError(t, err)
			} else {
				require.Equal(t, "pid N (web-1, idle in transaction since T) has passed the fence, and its transaction is open: wait, or end it: SELECT pg_terminate_backend(N)", plain(missing(err)))
			}
			_, err = tx.Exec(t.Context(), "UPDATE users SET name = 'Ada' WHERE id = 1 AND handover.change_1_fence(1)")
			require.Equal(t, c.write, code(err))
			if err == nil {
				require.NoError(t, tx.Commit(t.Context()))
			} else {
				require.NoError(t, tx.Rollback(t.Context()))
			}
			require.NoError(t, w.Settle(t.Context()))
			require.Equal(t, []string{"created old", "advanced old dual-write", "counted out old", "settled"}, events(t, w))
			_, err = writer.Exec(t.Context(), pass)
			require.Equal(t, "55000", code(err), "afterwards nobody passes with that epoch")
			_, err = writer.Exec(t.Context(), "SELECT handover.change_1_fence(2)")
			require.NoError(t, err, "and whoever has come along does")
		})
	}
}

func TestWhoWasCountedOutBeforeIsFencedAllTheSame(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{Fence: true})
	instance(t, pool, "web-1", dbcompat.Old, dbcompat.New)
	lapse(t, pool, "web-1")
	require.NoError(t, w.Settle(t.Context()))
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
	execute(t, pool, pass) // the neighbour is still there
	require.NoError(t, w.Settle(t.Context()))
	_, err := pool.Exec(t.Context(), pass)
	require.Equal(t, "55000", code(err))
}

// A crash between the fence and the commit leaves the floor raised. It is never raised
// above the change's own epoch.
func TestAFloorThatWasRaisedForNothingDoesNoHarm(t *testing.T) {
	pool, w := begin(t, patient, walk.Options{Fence: true})
	instance(t, pool, "web-1", dbcompat.Old, dbcompat.New)
	require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	execute(t, tx, "SELECT setval('handover.change_1_floor', 2)")
	require.NoError(t, tx.Rollback(t.Context()))

	_, err = pool.Exec(t.Context(), pass)
	require.Equal(t, "55000", code(err), "old writers are refused, too early")
	execute(t, pool, "SELECT handover.change_1_fence(2)")
	require.Contains(t, missing(w.Advance(t.Context(), dbcompat.ReadNew)), "has not acknowledged dual-write", "and it has not settled by that")
	acknowledge(t, pool)
	require.NoError(t, w.Settle(t.Context()))
}

func TestSessionsAreEndedIfThatIsWanted(t *testing.T) {
	pool := open(t, pg.Database(t))
	for name, options := range map[string]walk.Options{"with a fence": {Fence: true}, "without one": {}} {
		t.Run(name, func(t *testing.T) {
			config := patient
			config.Terminate = true
			w := again(t, pool, config, options)
			instance(t, pool, "web-1", dbcompat.Old, dbcompat.New)
			before := "BEGIN"
			if options.Fence {
				before += ";" + pass
			}
			stopped, idle := session(t, pool, "web-1"), session(t, pool, "psql")
			execute(t, stopped, before)
			lapseIn(t, pool, "web-1")
			later := session(t, pool, "web-2")
			execute(t, later, "BEGIN")
			require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
			require.NoError(t, w.Settle(t.Context()))
			_, err := stopped.Exec(t.Context(), "COMMIT")
			require.Error(t, err)
			execute(t, idle, "SELECT 1")
			execute(t, later, "COMMIT")
		})
	}
}

// A process that was stopped keeps the locks on its rows, and one that waits for them
// cannot acknowledge. The fence is not even tried then.
func TestAProcessThatWasStoppedKeepsAnotherOneFromAcknowledging(t *testing.T) {
	pool := open(t, pg.Database(t))
	for name, c := range map[string]struct {
		fence, before bool // its lease lapses before the move
	}{
		"with a fence":                          {true, false},
		"with one, counted out before the move": {true, true},
		"without one":                           {false, false},
		"without one, lapsed before the move":   {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := again(t, pool, patient, walk.Options{Fence: c.fence})
			for _, name := range []string{"web-1", "web-2"} {
				instance(t, pool, name, dbcompat.Old, dbcompat.New)
			}
			stopped, other := session(t, pool, "web-1"), session(t, pool, "web-2")
			execute(t, stopped, "BEGIN; UPDATE users SET name = 'Ada' WHERE id = 1")
			waits := make(chan error, 1)
			go func() {
				_, err := other.Exec(t.Context(), "UPDATE users SET name = 'Bob' WHERE id = 1")
				waits <- err
			}()
			require.Eventually(t, func() bool {
				return len(query(t, pool, "SELECT FROM pg_stat_activity WHERE application_name = 'web-2' AND wait_event_type = 'Lock'")) == 1
			}, time.Minute, time.Millisecond)

			if c.before {
				lapseIn(t, pool, "web-1")
			}
			require.NoError(t, w.Advance(t.Context(), dbcompat.DualWrite))
			if !c.before {
				lapseIn(t, pool, "web-1")
			}
			text := plain(missing(w.Settle(t.Context())))
			require.Contains(t, text, "web-2 (v1) has not acknowledged dual-write")
			require.Contains(t, text, "web-1 (v1) has let its lease lapse D ago, and pid N (web-1, idle in transaction since T) may be a transaction of it: wait, or end it: SELECT pg_terminate_backend(N)")

			config := patient
			config.Terminate = true
			w = walk.New(pool, usersName, config)
			require.Error(t, w.Settle(t.Context()), "web-2 has still to acknowledge")
			require.NoError(t, <-waits)
			_, err := stopped.Exec(t.Context(), "COMMIT")
			require.Error(t, err)
			acknowledge(t, pool, "web-2")
			require.NoError(t, w.Settle(t.Context()))
		})
	}
}
