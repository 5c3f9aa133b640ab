package walk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat/change/walk/internal/guard"
)

// Settle notes that everybody has come along, if that is so, and counts out who is gone.
// If not, the error is a *NotReadyError that says who it is. Advance, Rollback, Wait and a
// back-fill do it by themselves.
//
// With a fence, the program's transactions wait for it until those that have begun are
// over, or for Config.LockTimeout.
func (w *Walk) Settle(ctx context.Context) error {
	return w.call("settle", func() error { return w.settle(ctx) })
}

// Wait settles, again and again until it is done, or ctx is: then the error is both
// ctx's and the last *NotReadyError. Any other error, as of a database that is down, ends
// it at once.
func (w *Walk) Wait(ctx context.Context) error {
	return w.call("wait for", func() error {
		var last error
		for {
			err := w.settle(ctx)
			if over := ctx.Err(); over != nil && err != nil && last != nil { // it has ended in the middle of a look
				return fmt.Errorf("%w: %w", over, last)
			}
			notReady, ok := errors.AsType[*NotReadyError](err)
			if !ok && !busy(err) {
				return err
			}
			if ok && w.config.Waiting != nil {
				w.config.Waiting(notReady.Missing)
			}
			if over := sleep(ctx, w.config.Poll); over != nil {
				return fmt.Errorf("%w: %w", over, err)
			}
			last = err
		}
	})
}

func (w *Walk) settle(ctx context.Context) error {
	err := w.trySettle(ctx)
	notReady, ok := errors.AsType[*NotReadyError](err)
	if !ok || !w.config.Terminate || len(notReady.sessions) == 0 {
		return err
	}
	if ended := w.terminate(ctx, notReady.sessions); ended != nil {
		return errors.Join(err, ended)
	}
	return w.trySettle(ctx)
}

func (w *Walk) trySettle(ctx context.Context) error {
	s, err := w.read(ctx, w.pool)
	if err != nil || settled(s) {
		return err
	}
	err = w.locked(ctx, func(tx pgx.Tx) error {
		if s, err = w.lock(ctx, tx); err != nil {
			return err
		}
		v, err := w.judge(ctx, tx, s)
		if err != nil {
			return err
		}
		if len(v.missing) > 0 {
			return &NotReadyError{Name: w.name, Verb: "settle", From: s.Stage, Missing: v.missing, sessions: v.sessions}
		}
		return w.finish(ctx, tx, s, v.gone)
	})
	if busy(err) && s.Fenced {
		return w.held(ctx, s, err)
	}
	return err
}

// settled is whether there is nothing to be done.
func settled(s State) bool {
	for _, i := range s.Instances {
		if i.Lapsed {
			return false
		}
	}
	return !s.Settled.IsZero()
}

// verdict is about the instances.
type verdict struct {
	gone     []Instance // to be counted out
	missing  []Missing
	sessions []guard.Session // that may be of those who have lapsed
}

// judge finds who keeps the present epoch from being settled. Who has lapsed and had
// acknowledged it keeps nobody, but stays until it is gone: it can still come back.
func (w *Walk) judge(ctx context.Context, db guard.Querier, s State) (v verdict, err error) {
	for _, i := range s.Instances {
		behind := s.Settled.IsZero() && i.Epoch != s.Epoch
		switch {
		case i.Lapsed && s.Fenced: // who is fenced is as good as gone
			v.gone = append(v.gone, i)
		case i.Lapsed:
			sessions, err := guard.Since(ctx, db, i.Expires)
			if err != nil {
				return v, err
			}
			v.silent(i, sessions, behind)
		case behind:
			v.missing = append(v.missing, Missing{
				i.String(), fmt.Sprintf("has not acknowledged %s: it has not looked yet, or a transaction of %s is open in it", s.Stage, i.Stage),
				"wait, and if it stays like this look for its longest transaction",
			})
		}
	}
	if s.Fenced && len(v.missing) > 0 {
		err = w.blocking(ctx, db, s, &v)
	}
	return v, err
}

// silent adds one that has lapsed, with the sessions that may be its own.
func (v *verdict) silent(i Instance, sessions []guard.Session, behind bool) {
	if len(sessions) == 0 {
		v.gone = append(v.gone, i)
	} else if behind {
		v.sessions = append(v.sessions, sessions...)
		v.missing = append(v.missing, lapsed(i, sessions)...)
	}
}

// blocking adds what those who are behind may wait for: a process that was stopped keeps
// the locks on its rows. The fence does not get at that, as it comes after them.
func (w *Walk) blocking(ctx context.Context, db guard.Querier, s State, v *verdict) error {
	before, err := w.countedOut(ctx, db, s)
	for _, i := range append(before, v.gone...) {
		sessions, asked := guard.Blocking(ctx, db, i.Expires)
		err = errors.Join(err, asked)
		v.sessions = append(v.sessions, sessions...)
		v.missing = append(v.missing, lapsed(i, sessions)...)
	}
	return err
}

// countedOut are those who were since the move before the last: whoever was earlier has
// no transaction that has passed the fence.
func (w *Walk) countedOut(ctx context.Context, db guard.Querier, s State) ([]Instance, error) {
	rows, err := db.Query(ctx, w.sql(`SELECT evidence FROM "handover".change_events
		WHERE change = $1::text AND what = 'counted out' AND epoch >= $2::bigint - 1 ORDER BY id`), once, w.name, s.Epoch)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[Instance])
	for i := range all {
		all[i].Left = all[i].Expires.Sub(s.Now)
	}
	return all, err
}

func lapsed(i Instance, sessions []guard.Session) []Missing {
	missing := make([]Missing, len(sessions))
	for n, session := range sessions {
		missing[n] = Missing{
			i.String(), fmt.Sprintf("has let its lease lapse %s ago, and %s may be a transaction of it", (-i.Left).Round(time.Second/10), session), session.Do(),
		}
	}
	return missing
}

// finish counts out, and settles. With a fence it is closed and raised, whoever there is:
// somebody may have been counted out before, and still have a transaction.
func (w *Walk) finish(ctx context.Context, tx pgx.Tx, s State, gone []Instance) error {
	if s.Settled.IsZero() {
		if s.Fenced {
			f := w.fence(s.id)
			for _, sql := range []string{f.Close(), f.Raise(s.Epoch)} {
				if _, err := tx.Exec(ctx, sql, once); err != nil {
					return err
				}
			}
		}
		if _, err := tx.Exec(ctx, w.sql(`UPDATE "handover".changes SET settled_at = clock_timestamp() WHERE name = $1::text`), once, w.name); err != nil {
			return err
		}
	}
	for _, i := range gone {
		if _, err := tx.Exec(ctx, w.sql(`DELETE FROM "handover".change_instances WHERE change = $1::text AND id = $2::text`), once, w.name, i.ID); err != nil {
			return err
		}
		if err := w.note(ctx, tx, event{what: "counted out", from: i.Stage, epoch: s.Epoch, evidence: i}); err != nil {
			return err
		}
	}
	if !s.Settled.IsZero() {
		return nil
	}
	return w.note(ctx, tx, event{what: "settled", from: s.Stage, to: s.Stage, epoch: s.Epoch, evidence: map[string]any{"instances": s.Instances}})
}

// held says who has passed the fence, and is in the way.
func (w *Walk) held(ctx context.Context, s State, busy error) error {
	sessions, err := guard.Holders(ctx, w.pool, w.fence(s.id).Key())
	if err != nil {
		return errors.Join(busy, err)
	}
	e := &NotReadyError{Name: w.name, Verb: "settle", From: s.Stage, Err: busy, sessions: sessions}
	for _, session := range sessions {
		e.Missing = append(e.Missing, Missing{session.String(), "has passed the fence, and its transaction is open", session.Do()})
	}
	if len(sessions) == 0 {
		e.Missing = []Missing{{"somebody", "was in the way, and is no longer", "try again"}}
	}
	return e
}

// terminate ends sessions, unless they have begun something else.
func (w *Walk) terminate(ctx context.Context, sessions []guard.Session) error {
	var pids []int32
	for _, s := range sessions {
		pids = append(pids, s.PID)
	}
	w.config.logger().WarnContext(ctx, "sessions are ended", "component", "walk", "change", w.name, "pids", pids)
	return guard.Terminate(ctx, w.pool, sessions)
}
