package pgramp

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/handover-go/handover/flags/pgflags"
)

// Pause has a ramp stay where it is until Resume. Guards kill all the same. Twice is legal.
// errors.Is tells [ErrNoRamp].
func (s *Store) Pause(ctx context.Context, by pgflags.Change, key string) error {
	return s.failed(ctx, "pause", key, s.change(ctx, by, `
		UPDATE "handover".ramps SET state = 'paused', why = $3::text WHERE set = $1::text AND key = $2::text`, key, by.Why))
}

// Resume has a ramp go on from wherever its flag is, with the whole bake before the next
// step: one that was paused, stopped, or done. It is refused while the flag is killed;
// who takes the kill back (pgflags.Store.Unkill) says with which share. errors.Is tells
// [ErrNoRamp].
func (s *Store) Resume(ctx context.Context, by pgflags.Change, key string) error {
	return s.failed(ctx, "resume", key, s.change(ctx, by, `
		UPDATE "handover".ramps SET state = 'running', why = $3::text WHERE set = $1::text AND key = $2::text`, key, by.Why))
}

// Abort kills the flag, for everybody, and stops the ramp, in one transaction. Without a
// ramp nothing is killed, and errors.Is tells [ErrNoRamp]: for that there is pgflags' Kill.
func (s *Store) Abort(ctx context.Context, by pgflags.Change, key string) error {
	return s.failed(ctx, "abort", key, s.change(ctx, by, `
		WITH killed AS (UPDATE "handover".flags SET killed = true WHERE set = $1::text AND key = $2::text)
		UPDATE "handover".ramps SET state = 'stopped', why = $3::text WHERE set = $1::text AND key = $2::text`, key, by.Why))
}

// change signs a statement, and has it find the ramp.
func (s *Store) change(ctx context.Context, by pgflags.Change, statement, key, why string) error {
	if s.wrong != nil {
		return s.wrong
	}
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		if why == "" {
			why = "by a person"
		}
		if _, err := tx.Exec(ctx, s.sql(`SELECT set_config('handover.who', $1::text, true),
			set_config('handover.why', $2::text, true), "handover".flag_turn()`), once, by.Who, why); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, s.sql(statement), once, s.config.Set, key, why)
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrNoRamp
		}
		return err
	})
}
