package walk

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
)

// Advance goes one stage forward, to the one that is named, or says with a
// *NotReadyError what is missing. If the change is there already, nothing happens. Any
// other stage is ErrMoved, as is a move by somebody else at the same time.
//
// It returns when the move is made; see Wait for when everybody has come along.
func (w *Walk) Advance(ctx context.Context, to dbcompat.Stage) error {
	return w.call("advance", func() error { return w.move(ctx, "advance", to, +1) })
}

// Rollback goes one stage back, and is like Advance: with the same errors, and nothing
// happens if the change is there already.
func (w *Walk) Rollback(ctx context.Context, to dbcompat.Stage) error {
	return w.call("roll back", func() error { return w.move(ctx, "roll back", to, -1) })
}

func (w *Walk) move(ctx context.Context, verb string, to dbcompat.Stage, by int) error {
	if !to.Valid() {
		return fmt.Errorf("%v is no stage", to)
	}
	s, err := w.read(ctx, w.pool)
	if err != nil {
		return err
	}
	switch {
	case s.Stage == to:
		return nil
	case int(to) != int(s.Stage)+by:
		return fmt.Errorf("%w: it is at %s, and to %s is not one step that way", ErrMoved, s.Stage, to)
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	known, err := w.know(ctx, s, to)
	if err != nil {
		return err
	}
	epoch := s.Epoch
	err = w.locked(ctx, func(tx pgx.Tx) error {
		if s, err = w.lock(ctx, tx); err != nil {
			return err
		}
		if s.Epoch != epoch {
			return fmt.Errorf("%w: somebody else has moved it, and it is at %s", ErrMoved, s.Stage)
		}
		return w.moveLocked(ctx, tx, verb, s, to, known)
	})
	if err == nil {
		w.config.logger().InfoContext(ctx, "a change has moved", "component", "walk", "change", w.name, "from", s.Stage, "to", to, "epoch", epoch+1)
	}
	return err
}

func (w *Walk) moveLocked(ctx context.Context, tx pgx.Tx, verb string, s State, to dbcompat.Stage, known Evidence) error {
	missing, err := w.missing(ctx, tx, s, to, &known)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return &NotReadyError{Name: w.name, Verb: verb, From: s.Stage, To: to, Missing: missing}
	}
	if err := tx.QueryRow(ctx, "SELECT pg_current_wal_lsn()::text", once).Scan(&known.LSN); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, w.sql(`UPDATE "handover".changes SET stage = $2::int, epoch = epoch + 1 WHERE name = $1::text`), once, w.name, int(to)); err != nil {
		return err
	}
	what := map[string]string{"advance": "advanced", "roll back": "rolled back"}[verb]
	return w.note(ctx, tx, event{what: what, from: s.Stage, to: to, epoch: s.Epoch + 1, evidence: known})
}
