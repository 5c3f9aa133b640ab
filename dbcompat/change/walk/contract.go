package walk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk/internal/guard"
	"github.com/handover-go/handover/dbcompat/ddl"
)

// Hide gives the old columns other names, so that whoever still wants them gets an error,
// and Show takes it back at once. It is refused unless the change is settled at New, each
// instance's code can do nothing but New, nobody is declared, and nothing in the database
// names the columns: views, functions, and statements that have been run, where the
// server has pg_stat_statements. Their indexes and constraints stay as they are. If the
// columns are hidden nothing happens.
//
// The error is a *NotReadyError with all that is in the way, or ErrMoved if somebody else
// was faster.
func (w *Walk) Hide(ctx context.Context) error {
	return w.call("hide", func() error {
		s, err := w.atEnd(ctx)
		if err != nil || !s.Hidden.IsZero() {
			return err
		}
		refers, err := w.references(ctx, s.Columns.Table, s.Columns.Old, survives)
		if err != nil {
			return err
		}
		epoch := s.Epoch
		err = w.locked(ctx, func(tx pgx.Tx) error {
			if s, err = w.lock(ctx, tx); err != nil {
				return err
			}
			if s.Epoch != epoch || !s.Hidden.IsZero() {
				return fmt.Errorf("%w: somebody else has moved it, and it is at %s", ErrMoved, s.Stage)
			}
			if missing := append(contractible(s), refers...); len(missing) > 0 {
				return &NotReadyError{Name: w.name, Verb: "hide", From: s.Stage, Missing: missing}
			}
			return w.rename(ctx, tx, s, "hidden", "clock_timestamp()", hiding(s))
		})
		return w.blocked(ctx, s, "hide", s.Columns.Old, err)
	})
}

// Show gives them their names back. It asks for nothing; if they are not hidden nothing
// happens, and if they are dropped it is an error. It is a *NotReadyError if the table's
// lock was not to be had.
func (w *Walk) Show(ctx context.Context) error {
	return w.call("show", func() error {
		var s State
		err := w.locked(ctx, func(tx pgx.Tx) (err error) {
			s, err = w.lock(ctx, tx)
			switch {
			case err != nil || s.Hidden.IsZero():
				return err
			case !s.Dropped.IsZero():
				return errors.New("the old columns are dropped")
			}
			return w.rename(ctx, tx, s, "shown", "NULL", showing(s))
		})
		return w.blocked(ctx, s, "show", hidden(s), err)
	})
}

func (w *Walk) rename(ctx context.Context, tx pgx.Tx, s State, what, at string, statements []string) error {
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql, once); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	if _, err := tx.Exec(ctx, w.sql(`UPDATE "handover".changes SET hidden_at = `+at+`, updated_at = clock_timestamp() WHERE name = $1::text`), once, w.name); err != nil {
		return err
	}
	return w.note(ctx, tx, event{what: what, from: s.Stage, to: s.Stage, epoch: s.Epoch, evidence: map[string]any{"sql": statements, "instances": s.Instances}})
}

// Drop drops the hidden columns, for good. They have to be hidden for Config.Quiet, what
// Hide asks for has to hold still, and nothing at all may depend on them: drop their
// indexes and constraints first. If they are dropped nothing happens. It may be called
// again after an error. The fence stays until Delete, as instances still pass it.
//
// The error is a *NotReadyError with all that is in the way, a *ddl.BlockedError if the
// table's lock was not to be had, or ErrMoved if somebody else has shown the columns.
func (w *Walk) Drop(ctx context.Context) error {
	return w.call("drop", func() error {
		s, err := w.atEnd(ctx)
		if err != nil || !s.Dropped.IsZero() {
			return err
		}
		refers, err := w.references(ctx, s.Columns.Table, hidden(s), nil)
		if err != nil {
			return err
		}
		if missing := slices.Concat(contractible(s), w.loud(s), refers); len(missing) > 0 {
			return &NotReadyError{Name: w.name, Verb: "drop", From: s.Stage, Missing: missing}
		}
		operations, err := w.drops(ctx, s.Columns.Table, hidden(s))
		if err != nil {
			return err
		}
		if err := w.runner().Run(ctx, operations...); err != nil {
			return err
		}
		return w.locked(ctx, func(tx pgx.Tx) error { return w.dropped(ctx, tx) })
	})
}

// dropped notes it, if nobody has shown them in the same moment.
func (w *Walk) dropped(ctx context.Context, tx pgx.Tx) error {
	s, err := w.lock(ctx, tx)
	if err != nil || !s.Dropped.IsZero() {
		return err
	}
	if s.Hidden.IsZero() {
		return fmt.Errorf("%w: somebody else has shown the old columns", ErrMoved)
	}
	if _, err := tx.Exec(ctx, w.sql(`UPDATE "handover".changes SET dropped_at = clock_timestamp(), updated_at = clock_timestamp() WHERE name = $1::text`), once, w.name); err != nil {
		return err
	}
	return w.note(ctx, tx, event{what: "dropped", from: s.Stage, epoch: s.Epoch, evidence: map[string]any{"columns": s.Columns.Old, "instances": s.Instances}})
}

// atEnd counts out who is gone, and reads.
func (w *Walk) atEnd(ctx context.Context) (State, error) {
	if err := w.settle(ctx); err != nil {
		return State{}, err
	}
	return w.read(ctx, w.pool)
}

// contractible is whether nobody's code names the old columns any more, if it is settled.
func contractible(s State) []Missing {
	var missing []Missing
	if s.Stage != dbcompat.New {
		missing = append(missing, Missing{"the change", "is at " + s.Stage.String(), "advance to new, and wait"})
	}
	for _, i := range s.Instances {
		if i.Min < dbcompat.New {
			missing = append(missing, Missing{i.String(), fmt.Sprintf("has code for the old columns: it does %s to %s", i.Min, i.Max), "replace it by a version whose Min is New"})
		}
	}
	return slices.Concat(missing, unaware(s), behind(s))
}

// loud is whether they have not been hidden for long enough.
func (w *Walk) loud(s State) []Missing {
	if s.Hidden.IsZero() {
		return []Missing{{"the old columns", "are not hidden", "hide them first, and see who complains"}}
	}
	if left := w.config.Quiet - s.Now.Sub(s.Hidden); left > 0 {
		return []Missing{{"the old columns", "have been hidden for " + s.Now.Sub(s.Hidden).Round(time.Second).String() + " only", "wait for another " + left.Round(time.Second).String()}}
	}
	return nil
}

// blocked says who has the table, if that was in the way.
func (w *Walk) blocked(ctx context.Context, s State, verb string, columns []string, err error) error {
	if !busy(err) || len(columns) == 0 { // there is none if the change itself was not to be had
		return err
	}
	plan, asked := w.runner().Plan(ctx, ddl.DropColumn{Table: s.Columns.Table, Column: columns[0]}) // takes the same lock
	if asked != nil {
		return errors.Join(err, asked)
	}
	e := &NotReadyError{Name: w.name, Verb: verb, From: s.Stage, Err: err}
	for _, step := range plan {
		for _, b := range step.Blockers {
			e.Missing = append(e.Missing, Missing{b.String(), "is in the way", guard.Session{PID: b.PID, Known: true}.Do()})
		}
	}
	if len(e.Missing) == 0 {
		e.Missing = []Missing{{"somebody", "was in the way, and is no longer", "try again"}}
	}
	return e
}
