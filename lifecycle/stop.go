package lifecycle

import (
	"context"
	"errors"
	"slices"
	"time"
)

// stop stops place after place, bottom up. Each gets its turn, whatever
// happened before and even if there is no time left.
func (a *App) stop(ctx context.Context) {
	for i, p := range slices.Backward(a.places) {
		var started place
		for _, c := range p {
			if c.state == StateRunning {
				started = append(started, c)
			}
		}
		deadline := a.deadline(a.places[:i])
		sideBySide(started, func(c *component) { a.stopOne(ctx, c, deadline) })
	}
}

// deadline is by when a place has to be done whose turn it is, so that enough is
// left for those below that must be stopped.
func (a *App) deadline(below []place) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked.Add(a.plan.deadline(time.Since(a.asked), count(below, (*component).mustStop)))
}

// stopOne calls a component's Stop, ends its Run and waits for it.
func (a *App) stopOne(ctx context.Context, c *component, deadline time.Time) {
	began := time.Now()
	deadline = c.within(deadline)
	a.mu.Lock()
	c.told, c.outcome = true, max(c.outcome, OutcomeStopped)
	a.mu.Unlock()
	a.move(c, StateStopping, 0)
	if c.Stop != nil {
		a.callStop(ctx, c, deadline)
	}
	if c.run != nil {
		a.awaitRun(c, deadline)
	}
	a.move(c, StateTerminated, time.Since(began))
}

// callStop calls Stop until the deadline. context.Canceled is an error here: a
// Stop whose own context was that of the signal has stopped nothing
// (go-kratos/kratos#3695).
func (a *App) callStop(ctx context.Context, c *component, deadline time.Time) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	call := begin(ctx, "stop", c.Stop, nil)
	switch {
	case !call.wait(deadline):
		a.fail(c, OutcomeAbandoned, call.abandoned(c.Name, call.began))
	case call.err == nil:
	case ctx.Err() != nil:
		a.fail(c, OutcomeTimedOut, call.failed(c.Name))
	default:
		a.fail(c, OutcomeFailed, call.failed(c.Name))
	}
}

// awaitRun ends the context of Run and waits for Run to return.
func (a *App) awaitRun(c *component, deadline time.Time) {
	told := time.Now()
	c.endRun()
	switch {
	case !c.run.wait(deadline):
		a.fail(c, OutcomeAbandoned, c.run.abandoned(c.Name, told))
	case c.early, c.run.err == nil, errors.Is(c.run.err, context.Canceled):
	default:
		a.fail(c, OutcomeFailed, c.run.failed(c.Name))
	}
}
