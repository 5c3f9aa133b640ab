package lifecycle

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Component is a part of a program. Functions that are nil are skipped, but one
// there must be. They are called at most once, each in a goroutine of its own,
// and no two of Start and Stop at the same time. All contexts keep the values
// of the context that App.Run was given.
type Component struct {
	// Name is what errors, logs and reports say; unique in the app.
	Name string

	// Start makes the component ready for those below it and returns. Its
	// context is cancelled when the app is to end or another component of the
	// place has failed, and in any case when Start has returned. If it returns
	// an error, Stop is not called: it cleans up after itself.
	Start func(context.Context) error

	// Run does the work, from when the place has started until it is told. Its
	// context ends after Stop has returned, or at the component's turn to stop if
	// there is no Stop, never at the signal: what is in flight lives. Once told,
	// context.Canceled is no error. To return earlier, with an error or nil,
	// stops the app in order.
	Run func(context.Context) error

	// Stop ends Run, gracefully, and gives back what Start took. Its context is
	// not cancelled by the signal; it ends when the component's time is over but
	// for a last moment of 0.2 s (and one for Run), in which Stop can still return
	// by itself. If it does not, it is abandoned. It is called even if Run has
	// never begun, because the app's start failed, or has returned early.
	Stop func(context.Context) error

	// StartTimeout bounds Start; 0 or less: only Config.StartTimeout does.
	StartTimeout time.Duration

	// StopTimeout bounds Stop, and the return of Run after it, together; 0 or
	// less: only the place's share of the grace period does.
	StopTimeout time.Duration
}

// component is a Component and what has become of it. App.mu guards all but
// run and endRun, which only the goroutine of App.Run and those it waits for use.
type component struct {
	Component
	state               State
	outcome             Outcome
	startTook, stopTook time.Duration
	errs                []error // of type *Error
	stack               string  // the first that an error had
	told                bool    // its turn to stop has come
	early               bool    // its Run returned before that

	run    *call // nil until Run begins
	endRun context.CancelFunc
}

// moved notes the new state, and how long the one before it took. Terminated is
// Failed if anything went wrong.
func (c *component) moved(to State, took time.Duration) Change {
	switch c.state {
	case StateStarting:
		c.startTook = took
	case StateStopping:
		c.stopTook = took
	}
	err := c.err()
	switch {
	case to == StateTerminated && err != nil:
		to = StateFailed
	case to == StateStopping:
		err = nil // of a Run that returned early; it waits for the end
	}
	c.state = to
	return Change{Component: c.Name, State: to, Took: took, Err: err}
}

// fail notes an error, once if two functions return the same.
func (c *component) fail(outcome Outcome, err *Error) {
	known := func(e error) bool { return same(errors.Unwrap(e), err.Err) }
	if slices.ContainsFunc(c.errs, known) {
		return
	}
	c.errs = append(c.errs, err)
	c.outcome = max(c.outcome, outcome)
	if c.stack == "" {
		c.stack = err.Stack
	}
}

// err is all that went wrong: nil, one error as it is, or several joined.
func (c *component) err() error {
	if len(c.errs) == 1 {
		return c.errs[0]
	}
	return errors.Join(c.errs...)
}

// within is when the component's own time ends, if its place has to be done by
// the deadline: a last moment before it for each function that may hang, so that
// nothing is taken from the reserve, and at most StopTimeout from now. If there is
// hardly any time it gets at least half.
func (c *component) within(deadline time.Time) time.Time {
	moments := moment
	if c.Stop != nil && c.run != nil {
		moments += moment
	}
	left := max(0, time.Until(deadline))
	own := max(left-moments, left/2)
	if c.StopTimeout > 0 {
		own = min(own, c.StopTimeout)
	}
	return time.Now().Add(own)
}

// canStop reports whether a stop of the component can take any time.
func (c *component) canStop() bool { return c.Stop != nil || c.Run != nil }

// mustStop is canStop, of what in fact is started or still may be: a Start that
// comes back late, but with nil, has to be stopped as well.
func (c *component) mustStop() bool {
	return c.state <= StateRunning && (c.Stop != nil || c.run != nil)
}

// place is a position in the list: components that start and stop side by side.
type place []*component

// count is the number of places in which a component is so.
func count(places []place, so func(*component) bool) int {
	n := 0
	for _, p := range places {
		if slices.ContainsFunc(p, so) {
			n++
		}
	}
	return n
}

func (p place) names() []string {
	names := make([]string, len(p))
	for i, c := range p {
		names[i] = c.Name
	}
	return names
}
