package droptest

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

// drop is a request that was sent and got no complete answer.
type drop struct {
	phase string // "new" or "reused": the connection it was sent on
	cause string
	local string // the near end of that connection, if there was one
	err   error
}

func newDrop(ctx context.Context, l *link, err error) *drop {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	d := &drop{phase: "new", cause: causeOf(err), err: err}
	if l != nil {
		d.local = l.local()
	}
	if l != nil && l.reused {
		d.phase = "reused"
	}
	return d
}

// kind is phase and cause; the phase is left out where it explains nothing.
func (d *drop) kind() string {
	switch d.cause {
	case "time-out", "truncated", "unframed", "malformed":
		return d.cause
	}
	return d.phase + ": " + d.cause
}

func causeOf(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "time-out"
	case errors.Is(err, errUnframed):
		return "unframed"
	case errors.Is(err, errCut):
		return "truncated"
	case errors.Is(err, errMalformed):
		return "malformed"
	case errors.Is(err, errNoEndpoint):
		return "no endpoint"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "eof"
	}
	return "other"
}
