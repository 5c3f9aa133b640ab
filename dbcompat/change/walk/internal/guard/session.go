package guard

import (
	"context"
	"fmt"
	"time"
)

// A Session is one that may have a transaction which somebody waits for.
type Session struct {
	PID   int32 // 0 is a prepared transaction
	Known bool  // otherwise only that it is there
	Text  string
	Began *time.Time // the transaction; nil if it is hidden
}

// String is for people.
func (s Session) String() string { return s.Text }

// Do is what helps.
func (s Session) Do() string {
	switch {
	case s.PID == 0:
		return "COMMIT PREPARED or ROLLBACK PREPARED"
	case !s.Known:
		return "grant this role pg_monitor"
	}
	return fmt.Sprintf("wait, or end it: SELECT pg_terminate_backend(%d)", s.PID)
}

// Since are the sessions of this database that may have a transaction which had begun at
// that time: who has one, and whose are hidden. Each of them may be that of a process of
// which no more is heard.
func Since(ctx context.Context, db Querier, at time.Time) ([]Session, error) {
	return collect[Session](ctx, db, since, at)
}

// Blocking are those of them that somebody waits for.
func Blocking(ctx context.Context, db Querier, at time.Time) ([]Session, error) {
	return collect[Session](ctx, db, "SELECT * FROM ("+since+`) AS s WHERE pid IN (
		SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`, at)
}

// A snapshot's xmin would not do: who has not written yet has no transaction id. A role
// without pg_monitor sees of others that they are there.
const since = `SELECT pid, known, CASE WHEN known THEN format('pid %s (%s, %s since %s)', pid, name, state, to_char(xact_start, 'HH24:MI:SS'))
			ELSE format('pid %s (%s), whose transaction this role may not see', pid, name) END, xact_start
	FROM (
		SELECT pid, state, xact_start, usesysid, backend_type, coalesce(state <> 'disabled', false) AS known,
			coalesce(nullif(application_name, ''), usename) AS name
		FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
	) AS a
	WHERE backend_type = 'client backend' AND (xact_start < $1::timestamptz OR NOT known) OR backend_type IS NULL AND usesysid IS NOT NULL
	UNION ALL
	SELECT 0, true, format('the prepared transaction %L', gid), prepared
	FROM pg_prepared_xacts WHERE database = current_database() AND prepared < $1::timestamptz
	ORDER BY 1`

// Holders are the sessions that have an advisory lock, by its key, which is SQL.
func Holders(ctx context.Context, db Querier, key string) ([]Session, error) {
	return collect[Session](ctx, db, `SELECT coalesce(l.pid, 0), true, CASE WHEN a.pid IS NULL THEN 'a prepared transaction'
			ELSE format('pid %s (%s, %s since %s)', a.pid, coalesce(nullif(application_name, ''), usename), coalesce(state, 'hidden'),
				coalesce(to_char(xact_start, 'HH24:MI:SS'), 'when, this role may not see')) END, xact_start
		FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid IS DISTINCT FROM pg_backend_pid()
			AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND l.classid::bigint << 32 | l.objid::bigint = `+key+`
		ORDER BY 1`)
}

// Terminate ends those that have not begun another transaction since, and waits for the
// end of each for a second at most.
func Terminate(ctx context.Context, db Querier, sessions []Session) error {
	var pids []int32
	var since []*time.Time
	for _, s := range sessions {
		pids, since = append(pids, s.PID), append(since, s.Began)
	}
	type ended struct{ Ended bool }
	_, err := collect[ended](ctx, db, `SELECT pg_terminate_backend(a.pid, 1000) FROM unnest($1::int[], $2::timestamptz[]) AS s (pid, began)
		JOIN pg_stat_activity a ON a.pid = s.pid AND a.xact_start = s.began`, pids, since)
	return err
}
