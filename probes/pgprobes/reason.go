package pgprobes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handover-go/handover/probes"
)

// targetError is for where to connect to, which the application could not tell.
type targetError struct{ err error }

func (e *targetError) Error() string { return e.err.Error() }

func (e *targetError) Unwrap() error { return e.err }

// reason finds the word for an error of the link; empty if there is none, and the
// probe says "error", or "timeout".
func reason(err error) string {
	if _, ok := errors.AsType[*targetError](err); ok {
		return ""
	}
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answered(server.Code)
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() || errors.Is(err, context.Canceled) {
		return ""
	}
	return "down"
}

// answered is for what the server says itself, so it is not down:
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func answered(code string) string {
	switch {
	case code == "53300": // of the server, of the role, of the database
		return "too-many-connections"
	case code == "57P01", code == "57P02", code == "57P03": // it stops, has crashed, starts
		return "not-accepting"
	case strings.HasPrefix(code, "28"), code == "3D000", code == "42501":
		return "denied"
	}
	return ""
}

// failure is what the check says.
func (w *watch) failure(reason string, err error) error {
	err = fmt.Errorf("pgprobes: check %s: %w", w.name, err)
	if reason == "" {
		return err
	}
	mild := reason == "saturated" || reason == "too-many-connections" && w.works()
	return &probes.ReasonError{Reason: reason, Degrading: mild, Err: err}
}

// works reports whether the pool has connections: an instance without any serves
// nothing while the server gives out no more.
func (w *watch) works() bool {
	if w.pool == nil {
		return false
	}
	stat := w.pool.Stat()
	return stat.TotalConns() > stat.ConstructingConns()
}
