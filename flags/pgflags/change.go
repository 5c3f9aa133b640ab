package pgflags

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Change says who changes something and why, for the audit. What is empty is the
// session's user, or its application_name.
type Change struct {
	Who, Why string // for people: ada; incident 42
}

// Put inserts a flag, or replaces its definition: one flag in flagd's JSON. A flag that
// is killed stays so.
//
// What a Client would refuse is refused, with every mistake: the whole set is looked at
// as it would be, as flags name one another. Mistakes that were there before are no
// reason: a set with two can be mended in two steps. The first flag of a set makes the set.
func (s *Store) Put(ctx context.Context, by Change, key string, definition json.RawMessage) error {
	err := s.change(ctx, by, func(tx pgx.Tx) error {
		return s.checked(ctx, tx, key, func() error {
			_, err := tx.Exec(ctx, s.sql(`
				INSERT INTO "handover".flags (set, key, definition) VALUES ($1::text, $2::text, $3::text::jsonb)
				ON CONFLICT (set, key) DO UPDATE
				SET definition = EXCLUDED.definition, enabled = NULL, rollout_percentage = NULL`),
				once, s.config.Set, key, string(definition))
			return err
		})
	})
	return s.failed(ctx, "put", key, err)
}

// Delete deletes a flag: who declares it gets its default from then on. It is refused
// if others name it in their prerequisites, and if it is the last one of the set, which
// a Client would refuse without it. errors.Is tells [ErrNoFlag].
func (s *Store) Delete(ctx context.Context, by Change, key string) error {
	err := s.change(ctx, by, func(tx pgx.Tx) error {
		return s.checked(ctx, tx, key, func() error {
			return s.one(ctx, tx, `DELETE FROM "handover".flags WHERE set = $1::text AND key = $2::text`, key)
		})
	})
	return s.failed(ctx, "delete", key, err)
}

// Kill forces a flag to its default in all instances, within a second where Watch
// listens. Nothing is checked, but that there is such a flag ([ErrNoFlag]); a flag that
// is killed may be killed again, which changes nothing and is not in the audit.
//
// As all changes it waits for transactions that have changed flags and have not ended.
// A session that sits in one is ended by idle_in_transaction_session_timeout; until then
// there is the Client's own Kill.
func (s *Store) Kill(ctx context.Context, by Change, key string) error {
	return s.kill(ctx, by, "kill", key, "true")
}

// Unkill takes Kill back. The flag is what its definition says. errors.Is tells
// [ErrNoFlag].
func (s *Store) Unkill(ctx context.Context, by Change, key string) error {
	return s.kill(ctx, by, "unkill", key, "false")
}

func (s *Store) kill(ctx context.Context, by Change, verb, key, killed string) error {
	err := s.change(ctx, by, func(tx pgx.Tx) error {
		return s.one(ctx, tx, `UPDATE "handover".flags SET killed = `+killed+` WHERE set = $1::text AND key = $2::text`, key)
	})
	return s.failed(ctx, verb, key, err)
}

// one executes what has to find the flag.
func (s *Store) one(ctx context.Context, tx pgx.Tx, statement, key string) error {
	tag, err := tx.Exec(ctx, s.sql(statement), once, s.config.Set, key)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNoFlag
	}
	return err
}

// change runs a transaction in its turn, signed.
func (s *Store) change(ctx context.Context, by Change, do func(pgx.Tx) error) error {
	return s.transaction(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, s.sql(`SELECT set_config('handover.who', $1::text, true),
			set_config('handover.why', $2::text, true), "handover".flag_turn()`), once, by.Who, by.Why)
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("another transaction that changes flags has not ended (pg_stat_activity says which): %w", err)
		}
		if err != nil {
			return err
		}
		return do(tx)
	})
}

// transaction has the isolation that is right here, whatever the role's default is:
// who has waited for a turn wants to see what the others have done.
func (s *Store) transaction(ctx context.Context, do func(pgx.Tx) error) error {
	if s.wrong != nil {
		return s.wrong
	}
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}
	return pgx.BeginTxFunc(ctx, s.pool, options, do)
}
