package heal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// locked runs a transaction that has the table's lock. Writers that come while it waits
// wait behind it, so it gives up soon, lets them pass, and tries again.
func (t *Trigger) locked(ctx context.Context, p *plan, f func(pgx.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
			if t.config.LockTimeout > 0 {
				ms := max(1, t.config.LockTimeout.Milliseconds())
				if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", ms), once); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(ctx, p.lock(), once); err != nil {
				return err
			}
			return f(tx)
		})
		if !retry(err) {
			return err
		}
		if attempt >= t.config.Attempts {
			return fmt.Errorf("no lock on %s in %d attempts; %s: %w", p.table, attempt, t.holders(ctx, p), err)
		}
		pause := max(0, t.config.LockTimeout)
		select {
		case <-time.After(pause/2 + rand.N(pause+1)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// retry is for a lock that was not to be had, or had in another order.
func retry(err error) bool {
	failed, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (failed.Code == "55P03" || failed.Code == "40P01")
}

// holders says who is in the way.
func (t *Trigger) holders(ctx context.Context, p *plan) string {
	rows, err := t.pool.Query(ctx, `SELECT DISTINCT format('%s has it since %s (pid %s, %s)',
			coalesce(nullif(a.application_name, ''), 'a session without application_name'),
			to_char(a.xact_start, 'HH24:MI:SS'), a.pid, a.state)
		FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.relation = $1::text::regclass AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND l.granted AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')`, once, p.table)
	if err != nil {
		return "who has it is not known: " + err.Error()
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(all) == 0 {
		return "nobody has it any more"
	}
	return strings.Join(all, ", ")
}
