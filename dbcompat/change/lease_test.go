package change_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/internal/pgtest"
)

// quick is for leases that end in a test.
var quick = change.Config{TTL: 400 * time.Millisecond, Poll: 5 * time.Millisecond, Name: "web-1", Version: "v1"}

// hold keeps all renewals waiting.
func hold(t testing.TB, p part) (release func()) {
	t.Helper()
	tx, err := p.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "SELECT FROM handover.change_instances FOR UPDATE")
	require.NoError(t, err)
	return func() { require.NoError(t, tx.Rollback(t.Context())) }
}

func pinned(p part) error {
	pin, err := p.Pin()
	pin.Release()
	return err
}

func refused(p part) bool { return errors.Is(pinned(p), change.ErrFenced) }

func held(p part) bool { return pinned(p) == nil }

// A lease that is not renewed in time fences, and what is open is not committed. Nobody is
// taken out of service for it, as the others have no better database.
func TestALeaseThatIsNotRenewedInTimeFencesAndReadinessStays(t *testing.T) {
	pool := database(t, pg.Database(t))
	p := join(t, pool, quick)
	var err error
	release := func() {}
	for inside := false; !inside; { // on a slow machine the lease may have ended in between
		eventually(t, func() bool { return held(p) })
		err = p.InTx(t.Context(), func(tx pgx.Tx, _ dbcompat.Stage) error {
			inside = true
			release = hold(t, p)
			eventually(t, func() bool { return refused(p) })
			require.NoError(t, p.Check(t.Context()))
			require.True(t, p.Status().Joined)
			require.False(t, p.Status().Held)
			_, err := tx.Exec(t.Context(), "UPDATE users SET name = 'Grace'")
			return err
		})
	}
	release()
	require.ErrorIs(t, err, change.ErrFenced)
	require.ErrorContains(t, err, "change: users-name: fenced: the lease has not been renewed in time: ")
	require.Equal(t, "1 Ada <nil>", query(t, pool, "SELECT * FROM users"))
	require.Zero(t, p.Status().Pins)
	eventually(t, func() bool { return held(p) })
	require.NoError(t, p.Check(t.Context()))
	require.NotContains(t, p.log.String(), "gone")
}

// The database is down when the instance starts, comes, goes, and comes again. Nothing is
// in a crash loop for it, and nothing that was ready is not any more.
func TestADatabaseThatComesAndGoes(t *testing.T) {
	server := pgtest.New(pgtest.Config{}).For(t)
	pool := database(t, server.URL())
	require.NoError(t, server.Stop(t.Context()))
	p := join(t, pool, quick)
	silent := func(err error) bool {
		return err != nil && strings.Contains(err.Error(), "the database does not answer")
	}
	eventually(t, func() bool { return silent(p.Check(t.Context())) }) // at first it may say that it is shutting down
	require.ErrorIs(t, p.Check(t.Context()), change.ErrNotJoined)

	require.NoError(t, server.Start(t.Context()))
	eventually(t, func() bool { return held(p) })
	require.NoError(t, p.Check(t.Context()))

	require.NoError(t, server.Stop(t.Context()))
	noted := func(what string) int { return strings.Count(p.log.String(), what) }
	eventually(t, func() bool { return refused(p) && noted("fenced, as the lease") > noted("not fenced any more") })
	eventually(t, func() bool { return silent(pinned(p)) })
	require.NoError(t, p.Check(t.Context()))

	require.NoError(t, server.Start(t.Context()))
	eventually(t, func() bool { return held(p) })
	eventually(t, func() bool { return noted("not fenced any more") == noted("fenced, as the lease") })
	require.NoError(t, p.Leave(t.Context()))
	require.Empty(t, rows(t, pool))
}

// Counted out with a transaction of a stage that is gone: it is not ready, what is open is
// not committed, and it joins again when that has ended, in this order.
func TestWhoHasBeenCountedOutJoinsAgainWhenItsTransactionsHaveEnded(t *testing.T) {
	pool := database(t, pg.Database(t))
	p := join(t, pool, calm)
	pin, err := p.Pin()
	require.NoError(t, err)
	err = p.InTx(t.Context(), func(tx pgx.Tx, stage dbcompat.Stage) error {
		execute(t, pool, "DELETE FROM handover.change_instances; "+moves(1))
		eventually(t, func() bool { return refused(p) })
		_, err := tx.Exec(t.Context(), "UPDATE users SET "+name.Set(stage, 1), "Grace")
		return err
	})
	require.ErrorIs(t, err, change.ErrFenced)
	require.Equal(t, "1 Ada <nil>", query(t, pool, "SELECT * FROM users"))
	eventually(t, func() bool { // its first attempt may come later
		err := p.Check(t.Context())
		return err != nil && err.Error() == "change: users-name: fenced, until it has joined again: "+
			"transactions of another stage are open here, and it joins when they have ended: 1"
	})
	require.ErrorIs(t, pin.Held(), change.ErrFenced)
	require.Empty(t, rows(t, pool))
	pin.Release()
	eventually(t, func() bool { return p.Check(t.Context()) == nil })
	require.Equal(t, "web-1 2", rows(t, pool))
}

// Somebody has moved it twice, without asking.
func TestAChangeThatHasMovedTwiceIsJoinedAnew(t *testing.T) {
	pool := database(t, pg.Database(t))
	p := join(t, pool, calm)
	pin, err := p.Pin()
	require.NoError(t, err)
	execute(t, pool, `UPDATE handover.changes SET stage = 2, epoch = 2; UPDATE handover.changes SET settled_at = clock_timestamp();
		UPDATE handover.changes SET stage = 3, epoch = 3`)
	eventually(t, func() bool { return p.Check(t.Context()) != nil })
	pin.Release()
	eventually(t, func() bool { return rows(t, pool) == "web-1 3" })
	p.at(t, dbcompat.ReadNew)
	require.NoError(t, p.Check(t.Context()))
	require.Contains(t, p.log.String(), `err="the change has gone from `)
}

// It has been moved to where the build cannot follow.
func TestAStageThatTheBuildCannotDo(t *testing.T) {
	pool := database(t, pg.Database(t))
	config := calm
	config.Max = dbcompat.Old
	p := join(t, pool, config)
	move(t, pool, 1)
	eventually(t, func() bool { return p.Check(t.Context()) != nil })
	require.EqualError(t, p.Check(t.Context()), "change: users-name: fenced, until it has joined again: "+
		"the change is at dual-write, and this build can do old to old: deploy one that can, or move the change")
}

// A transaction that goes on under a lease that is gone is not saved by the next one.
func TestALeaseThatIsNewDoesNotHoldForWhatIsOld(t *testing.T) {
	pool := database(t, pg.Database(t))
	p := join(t, pool, calm)
	err := p.InTx(t.Context(), func(tx pgx.Tx, _ dbcompat.Stage) error {
		id := query(t, pool, "SELECT id FROM handover.change_instances")
		execute(t, pool, "DELETE FROM handover.change_instances")
		eventually(t, func() bool {
			now := query(t, pool, "SELECT id FROM handover.change_instances")
			return now != "" && now != id && held(p)
		})
		return nil
	})
	require.ErrorIs(t, err, change.ErrFenced)
	require.ErrorContains(t, err, "it has been counted out, and has joined again since")
}

func TestLeave(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]func(t *testing.T, p part){
		"it waits for what is open": func(t *testing.T, p part) {
			pin, err := p.Pin()
			require.NoError(t, err)
			left := make(chan error, 2)
			for range 2 {
				go func() { left <- p.Leave(t.Context()) }()
			}
			eventually(t, func() bool { return errors.Is(p.Check(t.Context()), change.ErrLeft) })
			_, err = p.Pin()
			require.ErrorIs(t, err, change.ErrLeft)
			require.NoError(t, pin.Held(), "what is open can be committed")
			require.Equal(t, "web-1 1", rows(t, p.pool))
			pin.Release()
			require.NoError(t, <-left)
			require.NoError(t, <-left)
			require.Empty(t, rows(t, p.pool))
		},
		"not for longer than it may": func(t *testing.T, p part) {
			pin, err := p.Pin()
			require.NoError(t, err)
			require.EqualError(t, p.Leave(ended), "change: leave users-name: transactions are open, and the lease is given back after them: 1: context canceled")
			require.Equal(t, "web-1 1", rows(t, p.pool))
			require.NoError(t, pin.Held())
			pin.Release()
			eventually(t, func() bool { return rows(t, p.pool) == "" })
			require.NoError(t, p.Leave(t.Context()))
		},
		"nor for a database that does not answer": func(t *testing.T, p part) {
			defer hold(t, p)()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			err := p.Leave(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "change: leave users-name: the lease ends by itself, within 10m0s: ")
		},
		"twice": func(t *testing.T, p part) {
			require.NoError(t, p.Leave(t.Context()))
			require.NoError(t, p.Leave(ended))
			require.ErrorContains(t, p.Join(t.Context()), "change: join users-name: left: make another one with New")
		},
		"with Run at its end": func(t *testing.T, p part) {
			p.stop()
			require.NoError(t, p.Leave(t.Context()))
			require.Empty(t, rows(t, p.pool))
		},
	}
	for what, test := range tests {
		t.Run(what, func(t *testing.T) {
			test(t, join(t, database(t, pg.Database(t)), calm))
		})
	}
	t.Run("before Join", func(t *testing.T) {
		c := change.New(open(t, pg.Database(t)), "users-name", name.Columns(), change.Config{})
		require.NoError(t, c.Leave(t.Context()))
		require.ErrorIs(t, c.Join(t.Context()), change.ErrLeft)
		require.NoError(t, c.Run(ended))
	})
}

func TestStatus(t *testing.T) {
	pool := database(t, pg.Database(t))
	p := join(t, pool, calm)
	pin, err := p.Pin()
	require.NoError(t, err)
	s := p.Status()
	require.InDelta(t, 400*time.Second, s.Left, float64(patience))
	s.Left = 0
	require.Equal(t, change.Status{Name: "web-1", Joined: true, Held: true, Stage: dbcompat.Old, Epoch: 1, Acknowledged: 1, Pins: 1}, s)
	move(t, pool, 1)
	p.at(t, dbcompat.DualWrite)
	s = p.Status()
	require.EqualValues(t, []int64{2, 1, 1, 1}, []int64{s.Epoch, s.Acknowledged, s.Pins, s.Earlier})
	pin.Release()
	require.NoError(t, p.Leave(t.Context()))
	s = p.Status()
	require.ErrorIs(t, s.NotReady, change.ErrLeft)
	require.False(t, s.Joined || s.Held)
}
