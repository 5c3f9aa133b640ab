package backfill

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// begin takes the lease, and with it the place where a run goes on, or a new run. If
// another runner has it, that one may be dead: it has the rest of its lease to show that
// it is not.
func (r *run) begin(ctx context.Context) error {
	var until time.Time
	for attempt := 1; ; attempt++ {
		holder, its, err := r.claim(ctx)
		switch {
		case err != nil: // somebody may have the row locked, for a batch
			if !passing(err) || ctx.Err() != nil || attempt > 4*r.config.Attempts {
				return err
			}
		case holder == "":
			return nil
		case !until.IsZero() && !its.Equal(until):
			return fmt.Errorf("%w: %s", ErrBusy, holder)
		default:
			until = its
		}
		if err := sleep(ctx, r.config.Lease/8); err != nil {
			return err
		}
	}
}

// claim returns who has the lease if we have not got it.
func (r *run) claim(ctx context.Context) (holder string, until time.Time, err error) {
	err = pgx.BeginTxFunc(ctx, r.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) (err error) {
		holder, until, err = r.take(ctx, tx)
		return err
	})
	if err != nil || holder != "" {
		return holder, until, err
	}
	return "", until, r.reload(ctx)
}

// take is claim's transaction.
func (r *run) take(ctx context.Context, tx pgx.Tx) (holder string, until time.Time, err error) {
	_, err = tx.Exec(ctx, r.sql(`INSERT INTO "handover".backfills (name, statement, stage, state)
		VALUES ($1::text, '', '', 'done') ON CONFLICT DO NOTHING`), once, r.name)
	if err != nil {
		return "", until, err
	}
	var alive bool
	var state State
	var statement string
	err = tx.QueryRow(ctx, r.sql(`SELECT runner, leased_until, leased_until > clock_timestamp(), state, statement
		FROM "handover".backfills WHERE name = $1::text FOR UPDATE`), once, r.name).Scan(&holder, &until, &alive, &state, &statement)
	if err != nil || alive && holder != r.me {
		return holder, until, err
	}
	if state == Done || state == Cancelled || statement != r.statements.job(r.table.oid) {
		if err := r.anew(ctx, tx); err != nil {
			return "", until, err
		}
	}
	_, err = tx.Exec(ctx, r.sql(`UPDATE "handover".backfills SET runner = $2::text, updated_at = clock_timestamp(),
		waiting = '', leased_until = clock_timestamp() + $3::interval WHERE name = $1::text`), once, r.name, r.me, r.lease())
	return "", until, err
}

// anew puts the run at its beginning. Somebody's pause stays.
func (r *run) anew(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, r.statements.last(), once)
	if err != nil {
		return err
	}
	var upper []string // of a table without rows there is none
	key, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]string, error) {
		key := make([]string, len(r.columns.Key))
		into := make([]any, len(key))
		for i := range key {
			into[i] = &key[i]
		}
		return key, row.Scan(into...)
	})
	if err != nil {
		return err
	}
	if len(key) > 0 {
		upper = key[0]
	}
	_, err = tx.Exec(ctx, r.sql(`UPDATE "handover".backfills SET statement = $2::text, stage = $3::text,
		state = CASE state WHEN 'paused' THEN state ELSE 'running' END, position = NULL, upper = $4::text[],
		rows = 0, changed = 0, skipped = 0, total = $5::bigint, rate = 0, began_at = clock_timestamp() WHERE name = $1::text`),
		once, r.name, r.statements.job(r.table.oid), word(r.at), upper, r.table.rows)
	if err == nil {
		_, err = tx.Exec(ctx, r.sql(`DELETE FROM "handover".backfill_skipped WHERE name = $1::text`), once, r.name)
	}
	return err
}

// reload has the run go on where the database says that it is, whatever we believe: a
// connection that broke does not tell whether a batch has been committed. The lease is
// kept: who tries again is not silent.
func (r *run) reload(ctx context.Context) error {
	err := r.pool.QueryRow(ctx, r.sql(`UPDATE "handover".backfills SET leased_until = clock_timestamp() + $3::interval
		WHERE name = $1::text AND runner = $2::text RETURNING coalesce(position::text, ''), position, upper`),
		once, r.name, r.me, r.lease()).Scan(&r.mark, &r.position, &r.upper)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrLost
	}
	return err
}

// rest waits, says why where Status finds it, and keeps the lease.
func (r *run) rest(ctx context.Context, d time.Duration, why string) error {
	var state State
	err := r.pool.QueryRow(ctx, r.sql(`UPDATE "handover".backfills SET waiting = $3::text, updated_at = clock_timestamp(),
		leased_until = clock_timestamp() + $4::interval WHERE name = $1::text AND runner = $2::text RETURNING state`),
		once, r.name, r.me, clean(why), r.lease()).Scan(&state)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrLost
	case err != nil && (ctx.Err() != nil || !passing(err)):
		return err
	case state == Cancelled:
		return ErrCancelled
	}
	return sleep(ctx, d)
}

// clean is what PostgreSQL takes as a text.
func clean(text string) string { return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "") }

// during keeps the lease while something takes its time.
func (r *run) during(ctx context.Context, why string, do func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	var keeper sync.WaitGroup
	keeper.Go(func() {
		for r.rest(ctx, r.config.Lease/3, why) == nil {
		}
	})
	err := do()
	cancel()
	keeper.Wait()
	return err
}

// release lets the next runner begin at once. If it cannot, the lease ends by itself.
func (r *run) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_, _ = r.pool.Exec(ctx, r.sql(`UPDATE "handover".backfills SET leased_until = 'epoch', runner = '', waiting = ''
		WHERE name = $1::text AND runner = $2::text`), once, r.name, r.me)
}

func (r *run) lease() string { return interval(r.config.Lease) }

func interval(d time.Duration) string { return fmt.Sprintf("%d milliseconds", d.Milliseconds()) }

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
