package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// start starts place after place, as long as nobody asks for the end. ctx is the
// one that Run was given; ending ends when the app is asked to stop.
func (a *App) start(ctx, ending context.Context) {
	starting, cancel := limit(ending, a.plan.StartTimeout)
	defer cancel()
	for i, p := range a.places {
		if ctx.Err() != nil { // a signal before the start: do not wait for the watch to notice
			a.end(context.Cause(ctx))
			<-ending.Done() // the watch may have asked first and be about to tell
		}
		if ending.Err() != nil {
			return
		}
		sideBySide(p, func(c *component) { a.startOne(starting, c, a.places[:i+1]) })
		if ending.Err() != nil {
			return
		}
		for _, c := range p {
			a.beginRun(context.WithoutCancel(ctx), c)
		}
	}
	a.change(StateRunning, time.Since(a.began), nil)
}

// startOne calls a component's Start. to are the places that will have to be
// stopped if it fails, its own included.
func (a *App) startOne(ctx context.Context, c *component, to []place) {
	began := time.Now()
	a.move(c, StateStarting, 0)
	state := StateRunning
	if c.Start != nil {
		ctx, cancel := limit(ctx, c.StartTimeout)
		defer cancel()
		call := begin(ctx, "start", c.Start, nil)
		late := a.awaitStart(ctx, c, call, to)
		state = a.judgeStart(ctx, c, call, late)
	}
	a.move(c, state, time.Since(began))
}

// awaitStart waits for a Start: as long as it has time, and when it is told to
// give up, as long as the first place that stops would have. Its own share of
// the budget keeps one that ignores its context from holding up the rest, and
// lets one that only is slow come back before what it uses is closed.
//
// If the time-out is what told it, and it did not return by itself, the error
// returned says so.
func (a *App) awaitStart(ctx context.Context, c *component, call *call, to []place) (late *Error) {
	select {
	case <-call.done:
		return nil
	case <-ctx.Done():
	}
	if timedOut(ctx) {
		if call.wait(time.Now()) {
			return nil
		}
		late = &Error{Component: c.Name, Op: "start", Err: fmt.Errorf("not done after %v: %w", short(time.Since(call.began)), context.DeadlineExceeded)}
		a.end(late)
	}
	call.wait(c.within(a.deadline(to)))
	return late
}

// judgeStart says what has become of a Start. One that returned nil has
// started, though it was told to give up: it will be stopped.
func (a *App) judgeStart(ctx context.Context, c *component, call *call, late *Error) State {
	switch {
	case !call.ended():
		a.fail(c, OutcomeAbandoned, call.abandoned(c.Name, call.began))
		return StateFailed
	case call.err == nil && late != nil:
		a.fail(c, OutcomeTimedOut, late)
		return StateRunning
	case call.err == nil:
		return StateRunning
	case gaveUp(ctx, call.err):
		a.notStarted(c)
		return StateTerminated
	}
	outcome := OutcomeFailed
	if timedOut(ctx) {
		outcome = OutcomeTimedOut
	}
	err := call.failed(c.Name)
	a.fail(c, outcome, err)
	a.end(err)
	return StateFailed
}

func (a *App) notStarted(c *component) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.outcome = OutcomeNotStarted
}

// limit is context.WithTimeout where 0 or less means none.
func limit(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// timedOut tells a Start's own time-out from being told to give up.
func timedOut(ctx context.Context) bool { return errors.Is(ctx.Err(), context.DeadlineExceeded) }

// gaveUp reports whether a Start returned because it was told to, which is no
// error of its own.
func gaveUp(ctx context.Context, err error) bool {
	told := errors.Is(ctx.Err(), context.Canceled)
	return told && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx)))
}

// beginRun begins a component's Run, before the next place starts: the probes
// answer while the database is starting. Its context is not the signal's.
func (a *App) beginRun(ctx context.Context, c *component) {
	if c.Run == nil {
		return
	}
	ctx, c.endRun = context.WithCancel(ctx)
	c.run = begin(ctx, "run", c.Run, func(run *call) { a.returned(c, run) })
}

// returned ends the app if a Run has returned before its turn to stop. After
// that, stopOne judges it. The component's Stop still has its turn.
func (a *App) returned(c *component, run *call) {
	cause := run.failed(c.Name)
	a.mu.Lock()
	early := !c.told
	c.early = early
	switch {
	case !early:
	case run.err == nil:
		cause.Err = errReturned
	default:
		c.fail(OutcomeFailed, cause)
	}
	a.mu.Unlock()
	if early {
		a.end(cause)
	}
}
