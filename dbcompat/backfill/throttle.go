package backfill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
)

// A Throttle says for how long a run should wait, 0 if it may go on, and why. It is asked
// again after the wait; a wait of more than a second is cut to one, so that a pause is
// heard and the lease kept. An error is a reason to wait and not to go on: what cannot be
// measured may be bad.
//
// The service's own latency is one: if its p99 is above what it promises, a second.
type Throttle func(context.Context) (wait time.Duration, reason string)

const (
	throttled = 200 * time.Millisecond // between two questions
	longest   = time.Second            // of a wait
)

// ReplicaLag waits while a replica that is connected is further behind than most. A
// replica that is silent, and has something to replay, is as far behind as it is silent.
// The role needs pg_monitor, or sees no lag, which is a reason to wait.
func ReplicaLag(pool *pgxpool.Pool, most time.Duration) Throttle {
	const query = `SELECT application_name, lag, pid IS NOT NULL AND state IS NULL FROM (
		SELECT *, extract(epoch FROM greatest(replay_lag,
			CASE WHEN replay_lsn < pg_current_wal_lsn() THEN clock_timestamp() - reply_time END))::float8 AS lag
		FROM pg_stat_replication) r
	WHERE state IS NULL OR lag > $1::float8 ORDER BY lag DESC NULLS FIRST LIMIT 1`
	return func(ctx context.Context) (time.Duration, string) {
		if pool == nil {
			return longest, "replica lag: the pool is nil: make one with pgxpool.New"
		}
		var name *string
		var lag *float64
		var hidden bool
		err := pool.QueryRow(ctx, query, once, most.Seconds()).Scan(&name, &lag, &hidden)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return 0, ""
		case err != nil:
			return longest, "replica lag: " + err.Error()
		case hidden:
			return longest, "replica lag: it is hidden from this role: grant it pg_monitor"
		}
		return throttled, fmt.Sprintf("replica lag: %s is %.1f s behind, at most %s", *name, *lag, most)
	}
}

// Autovacuum waits while the table, or a partition of it, is being vacuumed: dead rows
// are made faster than they are collected, and the two compete for the disk.
func Autovacuum(pool *pgxpool.Pool, columns dbcompat.Columns) Throttle {
	return func(ctx context.Context) (time.Duration, string) {
		if pool == nil {
			return longest, "autovacuum: the pool is nil: make one with pgxpool.New"
		}
		var phase string
		err := pool.QueryRow(ctx, `SELECT phase FROM pg_stat_progress_vacuum WHERE datname = current_database()
			AND (relid = $1::text::regclass OR relid IN (SELECT relid FROM pg_partition_tree($1::text::regclass))) LIMIT 1`,
			once, columns.Relation()).Scan(&phase)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return 0, ""
		case err != nil:
			return longest, "autovacuum: " + err.Error()
		}
		return throttled, "autovacuum of the table: " + phase
	}
}

// throttle waits as long as one of the throttles says so.
func (r *run) throttle(ctx context.Context) error {
	if time.Since(r.asked) < throttled && !r.asked.IsZero() {
		return ctx.Err()
	}
	for _, ask := range r.config.Throttles {
		for {
			wait, reason := ask(ctx)
			if wait <= 0 || ctx.Err() != nil {
				break
			}
			if err := r.rest(ctx, min(wait, longest), reason); err != nil {
				return err
			}
		}
	}
	r.asked = time.Now()
	return ctx.Err()
}
