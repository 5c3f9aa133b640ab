package walk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/internal/store"
	"github.com/handover-go/handover/dbcompat/change/walk/internal/guard"
)

// Options are of a change for all its life.
type Options struct {
	// Fence has each transaction of an instance ask the database whether its epoch may
	// still write, and so stops a process that was stopped itself beyond its lease, with
	// a transaction open. It costs a write about a tenth.
	Fence bool
}

// Create makes the change, at Old and settled. If it is there with the same columns and
// options nothing happens, at whatever stage it is; with others that is an error. The
// table, its key and the old columns have to be there. Instances join afterwards.
func (w *Walk) Create(ctx context.Context, columns dbcompat.Columns, options Options) error {
	return w.call("create", func() error {
		if err := columns.Check(); err != nil {
			return err
		}
		for _, list := range []*[]string{&columns.Up, &columns.Down, &columns.Types} {
			if len(*list) == 0 {
				*list = nil // which is another text, and the same columns
			}
		}
		text, err := json.Marshal(columns)
		if err != nil {
			return err
		}
		return w.locked(ctx, func(tx pgx.Tx) error { return w.create(ctx, tx, columns, string(text), options) })
	})
}

func (w *Walk) create(ctx context.Context, tx pgx.Tx, columns dbcompat.Columns, text string, options Options) error {
	var id int
	err := tx.QueryRow(ctx, w.sql(`INSERT INTO "handover".changes (name, columns, fenced) VALUES ($1::text, $2::jsonb, $3::boolean)
		ON CONFLICT (name) DO NOTHING RETURNING id`), once, w.name, text, options.Fence).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return w.same(ctx, tx, text, options)
	}
	if err != nil {
		return err
	}
	there, err := guard.Columns(ctx, tx, columns.Relation(), append(columns.Key, columns.Old...)...)
	if err != nil {
		return err
	}
	var missing []error
	for _, c := range there {
		if !c.There {
			missing = append(missing, fmt.Errorf("there is no column %s in %s: correct the name, or create it", c.Name, columns.Table))
		}
	}
	if len(missing) > 0 {
		return errors.Join(missing...)
	}
	if options.Fence {
		if err := several(ctx, tx, w.fence(id).Create(1)); err != nil {
			return err
		}
	}
	return w.note(ctx, tx, event{what: "created", to: dbcompat.Old, epoch: 1, evidence: map[string]any{"columns": columns, "fenced": options.Fence}})
}

// same is whether it is the change that is meant.
func (w *Walk) same(ctx context.Context, tx pgx.Tx, text string, options Options) error {
	var same, fenced bool
	var there string
	err := tx.QueryRow(ctx, w.sql(`SELECT columns = $2::jsonb, fenced, columns::text FROM "handover".changes WHERE name = $1::text`),
		once, w.name, text).Scan(&same, &fenced, &there)
	switch {
	case err != nil:
		return err
	case !same:
		return fmt.Errorf("it is there with other columns: take another name, or Delete it first: it has %s, and not %s", there, text)
	case fenced != options.Fence:
		return fmt.Errorf("it is there with Options.Fence %v, and each instance knows it by that: Delete it first", fenced)
	}
	return nil
}

// Delete forgets a change that has not begun, or is over, and removes its fence; its
// events stay. It is refused between Old and New, while old columns are hidden, and while
// an instance has joined: with a *NotReadyError. If it is not there nothing happens.
func (w *Walk) Delete(ctx context.Context) error {
	return w.call("delete", func() error {
		err := w.settle(ctx)
		if errors.Is(err, ErrNoChange) {
			return nil
		}
		if err != nil {
			return err
		}
		return w.locked(ctx, func(tx pgx.Tx) error {
			s, err := w.lock(ctx, tx)
			if err != nil {
				return err
			}
			if missing := deletable(s); len(missing) > 0 {
				return &NotReadyError{Name: w.name, Verb: "delete", From: s.Stage, Missing: missing}
			}
			if err := several(ctx, tx, w.sql(w.fence(s.id).Drop())); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, w.sql(`DELETE FROM "handover".changes WHERE name = $1::text`), once, w.name); err != nil {
				return err
			}
			return w.note(ctx, tx, event{what: "deleted", from: s.Stage, epoch: s.Epoch})
		})
	})
}

func deletable(s State) []Missing {
	var missing []Missing
	if s.Stage == dbcompat.DualWrite || s.Stage == dbcompat.ReadNew {
		missing = append(missing, Missing{"the change", "is at " + s.Stage.String(), "walk it to its end, or back to old"})
	}
	if s.Settled.IsZero() {
		missing = append(missing, Missing{"the change", "is not settled", "wait until it is"})
	}
	if !s.Hidden.IsZero() && s.Dropped.IsZero() {
		missing = append(missing, Missing{"the old columns", "are hidden", "show them, or drop them"})
	}
	for _, i := range s.Instances {
		missing = append(missing, Missing{i.String(), "has joined it", "deploy a version that does without, or stop it"})
	}
	return missing
}

func (w *Walk) fence(id int) store.Fence { return store.Fence{Schema: w.schema(), ID: id} }

// several runs statements that have no arguments.
func several(ctx context.Context, tx pgx.Tx, sql string) error {
	_, err := tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}
