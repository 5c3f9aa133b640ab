package walk

import (
	"context"
	"errors"
	"fmt"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/backfill"
)

// Backfill is the back-fill of the change's columns, whose Verify is what ReadNew asks
// for. Its source is the change: it is refused, now and before each batch, as long as
// anybody may be at another stage than DualWrite, where new is filled from old, or
// ReadNew, where old is filled from new for the way back. The config's Schema is left
// out, or that of the Walk. If it is refused since somebody is in the way the error is a
// *NotReadyError, of the returned Backfill's Run and Verify too.
func (w *Walk) Backfill(ctx context.Context, config backfill.Config) (fill *backfill.Backfill, err error) {
	err = w.call("back-fill", func() error {
		if config.Schema != "" && config.Schema != w.config.Schema {
			return fmt.Errorf("its schema is %q, where nobody looks for its verification: leave it out, or give %q", config.Schema, w.config.Schema)
		}
		config.Schema = w.config.Schema
		s, err := w.read(ctx, w.pool)
		if err != nil {
			return err
		}
		if _, err := w.source(ctx); err != nil {
			return err
		}
		fill = backfill.New(w.pool, s.Columns, w.source, config)
		return nil
	})
	return fill, err
}

// Verify compares all rows and stores what it has found; see [Walk.Backfill], and Verify of
// package backfill, for the errors. A mismatch is none.
func (w *Walk) Verify(ctx context.Context, config backfill.Config) (v Verification, err error) {
	fill, err := w.Backfill(ctx, config)
	if err != nil {
		return v, err
	}
	found, err := fill.Verify(ctx)
	return Verification(found), err
}

// source is the stage, if all are there. It is asked before each batch, so that it costs
// one query if it is.
func (w *Walk) source(ctx context.Context) (dbcompat.Stage, error) {
	var stage dbcompat.Stage
	var ready bool
	err := w.pool.QueryRow(ctx, w.sql(`SELECT stage, settled_at IS NOT NULL AND stage IN (2, 3) AND NOT EXISTS (
			SELECT FROM "handover".change_unmanaged u, pg_stat_activity a WHERE u.change = c.name AND u.kind = 'writer'
				AND a.datname = current_database() AND a.pid <> pg_backend_pid() AND (a.application_name = u.name OR a.usename = u.name))
		FROM "handover".changes c WHERE name = $1::text`), once, w.name).Scan((*uint8)(&stage), &ready)
	if err == nil && ready {
		return stage, nil
	}
	return w.settledStage(ctx)
}

// settledStage settles first, or says why not.
func (w *Walk) settledStage(ctx context.Context) (dbcompat.Stage, error) {
	if err := w.settle(ctx); err != nil {
		return 0, err
	}
	s, err := w.read(ctx, w.pool)
	if err != nil {
		return 0, err
	}
	if missing := unaware(s); len(missing) > 0 {
		return 0, &NotReadyError{Name: w.name, Verb: "back-fill", From: s.Stage, Missing: missing}
	}
	switch s.Stage {
	case dbcompat.Old:
		return 0, errors.New("the change is at old, where the new columns are not written: advance to dual-write first")
	case dbcompat.New:
		return 0, errors.New("the change is at new, where the old columns are not written: roll back to read-new first")
	}
	return s.Stage, nil
}
