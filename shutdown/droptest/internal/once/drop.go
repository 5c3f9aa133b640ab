package once

import (
	"context"
	"errors"
	"io"
	"syscall"
)

var (
	errCut       = errors.New("the response ended before it was complete")
	errMalformed = errors.New("the response is not HTTP/1.1")
	errUnframed  = errors.New("the response has neither Content-Length nor chunks: its end cannot be told from a cut")
)

// Drop is a request that was sent and got no complete answer.
type Drop struct {
	Phase string // "new" or "reused": the connection it was sent on
	Cause string // as in CauseOf
	Local string // the near end of that connection, if there was one
	Err   error
}

func newDrop(ctx context.Context, l *link, err error) *Drop {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	d := &Drop{Phase: "new", Cause: CauseOf(err), Err: err}
	if l != nil {
		d.Local = l.local()
	}
	if l != nil && l.reused {
		d.Phase = "reused"
	}
	return d
}

// Kind is phase and cause; the phase is left out where it explains nothing.
func (d *Drop) Kind() string {
	switch d.Cause {
	case "time-out", "truncated", "unframed", "malformed":
		return d.Cause
	}
	return d.Phase + ": " + d.Cause
}

// CauseOf is an error of a connection or a response in one word: time-out,
// unframed, truncated, malformed, refused, reset, eof, or other.
func CauseOf(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "time-out"
	case errors.Is(err, errUnframed):
		return "unframed"
	case errors.Is(err, errCut):
		return "truncated"
	case errors.Is(err, errMalformed):
		return "malformed"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "eof"
	}
	return "other"
}
