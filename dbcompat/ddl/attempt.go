package ddl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

var errBusy = errors.New("somebody else is at it")

// attempt does a step, and reports whether there was something to do. If it fails, another
// one may have been faster, or the connection may have broken after it was done: then that
// is as good.
func (r *Runner) attempt(ctx context.Context, conn *pgx.Conn, s Step) (bool, error) {
	ready, err := r.ready(ctx, conn, s)
	if err != nil || !ready {
		return false, err
	}
	if err = r.execute(ctx, conn, s); err == nil {
		return true, nil
	}
	state, _, asked := s.state(ctx, conn)
	switch {
	case asked != nil:
	case state == done:
		return false, nil
	case state == busy: // the name is taken because of that
		return false, errBusy
	case state == invalid:
		if clean := r.clean(ctx, conn, s); clean != nil {
			err = fmt.Errorf("%w (and an INVALID index is left, which costs each write until the next run: %w)", err, clean)
		}
	}
	return false, err
}

// ready reports whether there is something to do, after whatever had to be done before.
func (r *Runner) ready(ctx context.Context, conn *pgx.Conn, s Step) (bool, error) {
	state, _, err := s.state(ctx, conn)
	if err != nil {
		return false, err
	}
	switch state {
	case done:
		return false, nil
	case busy:
		return false, errBusy
	case invalid:
		if err := r.clean(ctx, conn, s); err != nil {
			return false, err
		}
	case todo:
	default:
		return false, errors.New(state)
	}
	if s.drops == "" {
		return true, nil
	}
	all, err := references(ctx, conn, s)
	if err == nil && len(all) > 0 {
		err = &ReferencedError{Table: s.On[0], Column: s.drops, References: all}
	}
	return err == nil, err
}

// clean drops an INVALID index. It is asked for again: the answer before may be from just
// before another instance has finished it.
func (r *Runner) clean(ctx context.Context, conn *pgx.Conn, s Step) error {
	state, _, err := s.state(ctx, conn)
	if err != nil || state != invalid {
		return err
	}
	return r.outside(ctx, conn, s.clean)
}

func (r *Runner) execute(ctx context.Context, conn *pgx.Conn, s Step) error {
	if s.Concurrently {
		return r.outside(ctx, conn, s.SQL)
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		settings := fmt.Sprintf("SET LOCAL lock_timeout = %d", r.config.LockTimeout.Milliseconds())
		if s.Cost == Scan {
			settings += "; SET LOCAL statement_timeout = 0" // nobody waits for it, and it may take long
		}
		if _, err := tx.Exec(ctx, settings, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		return single(ctx, conn, s.SQL)
	})
}

// outside runs what must not be in a transaction. What is set for it is the session's, so
// it is set back afterwards; and if the session is not ours alone it would be somebody
// else's too (goauthentik/authentik#23876).
func (r *Runner) outside(ctx context.Context, conn *pgx.Conn, sql string) (err error) {
	var pid uint32
	var locks, statements string
	err = conn.QueryRow(ctx, "SELECT pg_backend_pid(), current_setting('lock_timeout'), current_setting('statement_timeout')", once).Scan(&pid, &locks, &statements)
	if err != nil {
		return err
	}
	if pid != conn.PgConn().PID() {
		return errors.New("there is a pooler in between, and CONCURRENTLY needs a session of its own: connect to PostgreSQL directly")
	}
	const set = "SELECT set_config('lock_timeout', $1, false), set_config('statement_timeout', $2, false)"
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if _, back := conn.Exec(ctx, set, once, locks, statements); back != nil {
			_ = conn.Close(ctx) // the pool makes a new one
		}
	}()
	if _, err = conn.Exec(ctx, set, once, fmt.Sprint(r.config.ConcurrentTimeout.Milliseconds()), "0"); err != nil {
		return err
	}
	return single(ctx, conn, sql)
}

// single runs one statement. Without arguments pgx would use the simple protocol, in which
// an expression with a semicolon is two.
func single(ctx context.Context, conn *pgx.Conn, sql string) error {
	_, err := conn.PgConn().ExecParams(ctx, sql, nil, nil, nil, nil).Close()
	return err
}
