package guard

import (
	"context"
	"errors"
	"time"

	"github.com/handover-go/handover/flags/guard/internal/counts"
)

// Do runs newPath if the flag is on for the subject that is pinned to ctx, and oldPath if
// not, and counts how it went. A panic of newPath is contained: it counts as a failure,
// and the answer is that of oldPath with Config.Fallback, else a *PanicError. A panic of
// oldPath counts and goes on, as it would without a Guard; so does http.ErrAbortHandler.
func Do[T any](ctx context.Context, g *Guard, newPath, oldPath func(context.Context) (T, error)) (T, error) {
	if g.arm(ctx) == counts.Control {
		return watched(ctx, g, oldPath)
	}
	v, caught, err := contained(ctx, g, newPath)
	switch {
	case caught == nil:
		return v, err
	case g.cfg.Fallback:
		return oldPath(ctx) // is not counted: who is in the new arm is nobody's control
	default:
		return v, caught
	}
}

// watched runs the old path.
func watched[T any](ctx context.Context, g *Guard, path func(context.Context) (T, error)) (v T, err error) {
	r, returned := g.begin(counts.Control), false
	defer func() {
		if returned {
			return
		}
		if value := recover(); value != nil {
			g.died(ctx, r, value)
			panic(value)
		}
	}()
	v, err = path(ctx)
	returned = true
	g.returned(ctx, r, err)
	return v, err
}

// contained runs the new path.
func contained[T any](ctx context.Context, g *Guard, path func(context.Context) (T, error)) (v T, caught *PanicError, err error) {
	r, returned := g.begin(counts.New), false
	defer func() {
		if !returned {
			caught = g.caught(ctx, r, recover())
		}
	}()
	v, err = path(ctx)
	returned = true
	g.returned(ctx, r, err)
	return v, nil, err
}

// request is one that has begun.
type request struct {
	tests *tests
	arm   int
	tick  counts.Tick
	at    time.Duration // since the Guard was made: half the cost of a time.Now
}

func (g *Guard) begin(arm int) request {
	t := g.tests.Load()
	return request{tests: t, arm: arm, tick: t.counts.Begin(0, arm), at: time.Since(g.made)}
}

// returned counts how a path went.
func (g *Guard) returned(ctx context.Context, r request, err error) {
	failed := err != nil && !gone(ctx) && (g.cfg.Failure == nil || g.cfg.Failure(err))
	g.end(ctx, r, time.Since(g.made), failed)
}

// end counts how a request went. Whoever gives up waiting has waited for so long as well.
func (g *Guard) end(ctx context.Context, r request, now time.Duration, failed bool) {
	took := now - r.at
	r.tests.counts.End(r.arm, took)
	if r.tests.slow > 0 && took > r.tests.cfg.Slow {
		g.fail(ctx, r.tests.slow, r, now)
	}
	if failed {
		g.fail(ctx, 0, r, now)
	}
}

// gone reports that the caller has left. What a path returns then is of no account:
// drivers have many words for it.
func gone(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }
