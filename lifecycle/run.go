package lifecycle

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Run starts the components, top down; waits until ctx ends, which stands for
// the signal, or a component's Run returns; and stops what has started, bottom
// up. It returns when all of it has returned or been abandoned: no goroutine of
// an app is left but those that its errors name.
//
// If something contradicts itself (see App.Plan) nothing starts, and Run may be
// called again; otherwise it runs once, and then returns ErrAlreadyRun.
//
// The error joins every *Error there was, the cause first. It is nil if ctx
// ended, even during the start, or a component's Run returned nil, and everything
// stopped cleanly: a supervisor who asks for the end does not want to see a
// failure. Report says why it ended. A Run that must not end by itself has to
// return an error when it does.
func (a *App) Run(ctx context.Context) error {
	ending, release := context.WithCancelCause(context.WithoutCancel(ctx))
	if err := a.seal(release); err != nil {
		release(nil)
		return err
	}
	a.change(StateStarting, 0, nil)

	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-ctx.Done():
			a.end(context.Cause(ctx))
		case <-ending.Done():
		}
	})
	a.start(ctx, ending)
	<-ending.Done()
	a.stop(context.WithoutCancel(ctx))
	watch.Wait()
	return a.finish()
}

// seal fixes the list and the plan.
func (a *App) seal(release context.CancelCauseFunc) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sealed {
		return ErrAlreadyRun
	}
	plan, err := a.planned()
	if err != nil {
		return err
	}
	a.sealed, a.plan, a.release, a.began = true, plan, release, time.Now()
	return nil
}

// end asks the app to stop, at any time and from any goroutine. The first cause
// counts, and the budget counts from its moment. When ending is done, both are
// known and told.
func (a *App) end(cause error) {
	a.mu.Lock()
	first := a.cause == nil
	if first {
		a.cause, a.asked = cause, time.Now()
	}
	a.mu.Unlock()
	if first {
		a.change(StateStopping, time.Since(a.began), cause)
		a.release(cause)
	}
}

// fail notes what went wrong in a component.
func (a *App) fail(c *component, outcome Outcome, err *Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.fail(outcome, err)
}

// finish says how it all ended.
func (a *App) finish() error {
	a.mu.Lock()
	a.ended = time.Now()
	var errs []error
	for _, p := range slices.Backward(a.places) {
		for _, c := range p {
			errs = append(errs, c.errs...)
			if c.state == StateNew {
				c.outcome = OutcomeNotStarted
			}
		}
	}
	if i := slices.Index(errs, a.cause); i > 0 {
		errs = slices.Concat(errs[i:i+1], errs[:i], errs[i+1:])
	}
	took := a.ended.Sub(a.asked)
	a.mu.Unlock()

	err, state := errors.Join(errs...), StateTerminated
	if err != nil {
		state = StateFailed
	}
	a.change(state, took, err)
	return err
}

// sideBySide does the same for all components of a place and waits.
func sideBySide(p place, do func(*component)) {
	var all sync.WaitGroup
	for _, c := range p {
		all.Go(func() { do(c) })
	}
	all.Wait()
}
