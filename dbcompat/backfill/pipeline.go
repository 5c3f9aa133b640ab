package backfill

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// pipeline is statements that are sent at once, with their answers in one round trip.
// Nothing is prepared, so a pooler by transaction may be in between. All values are
// texts, which is what keys are kept as.
type pipeline struct{ batch pgconn.Batch }

func (p *pipeline) add(sql string, parameters ...string) {
	values := make([][]byte, len(parameters))
	for i, v := range parameters {
		values[i] = []byte(v)
	}
	p.batch.ExecParams(sql, values, nil, nil, nil)
}

// begin is the transaction of a batch. Settings are gone with it.
func (p *pipeline) begin(c Config, access string) {
	p.add("BEGIN ISOLATION LEVEL READ COMMITTED " + access)
	milliseconds := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	// row_security: rows that a policy hides would be left out in silence; this is an
	// error instead. enable_seqscan: a batch that reads the whole table is never right,
	// whatever the statistics say. DateStyle: keys are kept as texts.
	p.add(`SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true),
		set_config('idle_in_transaction_session_timeout', $2, true), set_config('row_security', 'off', true),
		set_config('enable_seqscan', 'off', true), set_config('DateStyle', 'ISO', true)`,
		milliseconds(c.LockTimeout), milliseconds(c.StatementTimeout))
}

// send returns the rows of the last statement that is no COMMIT. A connection that is
// broken is closed here: with pgx 5.5, one to which the batch could not be written takes
// the next statement for the second one at a time, and panics.
func (p *pipeline) send(ctx context.Context, conn *pgconn.PgConn) (last *pgconn.Result, err error) {
	results, err := conn.ExecBatch(ctx, &p.batch).ReadAll()
	if _, answered := errors.AsType[*pgconn.PgError](err); err != nil && !answered {
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(soon)
	}
	if err != nil {
		return nil, err
	}
	for _, r := range results {
		if r.Err != nil {
			return nil, r.Err
		}
		if r.CommandTag.String() != "COMMIT" {
			last = r
		}
	}
	return last, nil
}

// first are the texts of the first row, nil if there is none; NULL is empty.
func first(r *pgconn.Result) []string {
	if r == nil || len(r.Rows) == 0 {
		return nil
	}
	values := make([]string, len(r.Rows[0]))
	for i, v := range r.Rows[0] {
		values[i] = string(v)
	}
	return values
}

// rollback leaves the connection as it was. If it cannot, the pool throws it away.
func rollback(ctx context.Context, conn *pgconn.PgConn) {
	_, _ = conn.Exec(ctx, "ROLLBACK").ReadAll()
}

// ofValue reports whether an error is about the value that was to be written: up or down
// failed (22…), a constraint (23…) or a trigger (P0001) refused it.
func ofValue(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code[:2] == "22" || pg.Code[:2] == "23" || pg.Code == "P0001")
}

// passing reports whether an error may be gone by itself: a lock, a deadlock, another
// transaction, a time-out, a server that restarts, a connection that breaks.
func passing(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return broken(err)
	}
	switch pg.Code {
	case "40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "25P03", "53300":
		return true
	}
	return pg.Code[:2] == "08" && pg.Code != "08P01" // that is a mistake of ours
}

// broken reports whether an error is the connection's.
func broken(err error) bool {
	var network net.Error
	var connect *pgconn.ConnectError
	return pgconn.SafeToRetry(err) || errors.As(err, &network) || errors.As(err, &connect) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) // ours, as nobody looks here when the caller's is over
}
