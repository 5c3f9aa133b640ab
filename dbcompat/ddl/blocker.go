package ddl

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Blocker is a session that a step has to wait for.
type Blocker struct {
	PID         int32         // 0 is a prepared transaction
	Age         time.Duration // of its transaction
	Application string        // or what it is, if it is no client: autovacuum worker
	User        string        // the role; empty of a prepared transaction, and of a server process
	State       string        // active, idle in transaction
	Holds       string        // the lock; "a snapshot" is what CREATE INDEX CONCURRENTLY waits for too
	Query       string        // the beginning of the last one, or that there is no right to see it
}

// String is the session in a line, for the person who has to end it.
func (b Blocker) String() string {
	return fmt.Sprintf("pid %d, %s, %q, %s, for %s, holds %s: %s",
		b.PID, b.User, b.Application, b.State, b.Age.Round(time.Millisecond), b.Holds, b.Query)
}

// BlockedError is of a step that has not got its lock. Those before it are done, and Run
// can be called again.
type BlockedError struct {
	Operation, SQL string    // of the step, as in its Plan
	Attempts       int       // that were made: Config.Attempts, or fewer if ctx has ended
	Blockers       []Blocker // who was there after the last attempt; none if they had just left
	Err            error     // of the last attempt, or of ctx
}

// Error is the step and the cause, and a line for each of Blockers.
func (e *BlockedError) Error() string {
	lines := []string{fmt.Sprintf("ddl: %s: not done after %d attempts: %v: %s", e.Operation, e.Attempts, e.Err, e.SQL)}
	for _, b := range e.Blockers {
		lines = append(lines, "waits for "+b.String())
	}
	return strings.Join(lines, "\n\t")
}

// Unwrap is Err: a *pgconn.PgError if it was PostgreSQL, ctx.Err() if ctx has ended.
func (e *BlockedError) Unwrap() error { return e.Err }

// blockers asks who has, or waits for, what the step would have to wait for. It is asked
// after the attempt, on the same connection: a pool of one is enough.
func blockers(ctx context.Context, conn *pgx.Conn, s Step) ([]Blocker, error) {
	rows, err := conn.Query(ctx, whoBlocks, once, s.On, s.conflicts(), s.Cost == Build)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (b Blocker, err error) {
		var age float64
		err = row.Scan(&b.PID, &age, &b.Application, &b.User, &b.State, &b.Holds, &b.Query)
		b.Age = time.Duration(age * float64(time.Second))
		return b, err
	})
}

const whoBlocks = `SELECT DISTINCT ON (coalesce(age, 0), coalesce(w.pid, 0))
		coalesce(w.pid, 0), coalesce(age, 0), coalesce(nullif(application_name, ''), backend_type, 'prepared transaction'), coalesce(usename, ''),
		coalesce(state, ''), holds, coalesce(left(regexp_replace(query, '\s+', ' ', 'g'), 80), '')
	FROM (
		SELECT pid, replace(mode, 'Lock', '') || CASE WHEN granted THEN '' ELSE ', is waiting for it,' END || ' on ' || relation::regclass AS holds
		FROM pg_locks WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
		  AND relation IN (SELECT to_regclass(r)::oid FROM unnest($1::text[]) AS r) AND mode = ANY ($2::text[])
		UNION ALL
		SELECT pid, 'a snapshot' FROM pg_stat_activity
		WHERE $3::boolean AND backend_xmin IS NOT NULL AND datname = current_database() AND backend_type = 'client backend'
	) AS w LEFT JOIN (
		SELECT *, extract(epoch FROM clock_timestamp() - coalesce(xact_start, query_start, backend_start))::float8 AS age FROM pg_stat_activity
	) AS a USING (pid)
	WHERE w.pid IS DISTINCT FROM pg_backend_pid()
	ORDER BY coalesce(age, 0) DESC, coalesce(w.pid, 0), holds = 'a snapshot'`
