package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// Change is one step of the app or of a component from a state to the next.
type Change struct {
	// Component is the name, or "" for the app itself.
	Component string
	State     State // the next one
	// Took is what the start took, in a change from Starting, and the stop, in
	// one from Stopping; in the change of the app to Stopping, the time since it
	// began.
	Took time.Duration
	// Err is what went wrong. In the change of the app to Stopping it is the
	// cause, which may be as harmless as a signal.
	Err error
}

// change brings the app to a state. It never goes back: an app that has been
// asked to stop in the last moment of its start does not become Running.
func (a *App) change(to State, took time.Duration, err error) {
	a.telling.Lock()
	defer a.telling.Unlock()
	a.mu.Lock()
	back := to < a.state
	if !back {
		a.state = to
	}
	a.mu.Unlock()
	if back {
		return
	}
	stack := ""
	if cause, ok := errors.AsType[*Error](err); ok && to == StateStopping {
		stack = cause.Stack
	}
	a.tell(Change{State: to, Took: took, Err: err}, stack)
}

// move brings a component to a state; see moved.
func (a *App) move(c *component, to State, took time.Duration) {
	a.telling.Lock()
	defer a.telling.Unlock()
	a.mu.Lock()
	change, stack := c.moved(to, took), c.stack
	a.mu.Unlock()
	a.tell(change, stack)
}

// tell writes the record of a change and calls OnChange. Its panic is logged and
// stops nothing: those who are still to be stopped come first.
func (a *App) tell(change Change, stack string) {
	a.log(change, stack)
	if a.cfg.OnChange == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			a.logger().Error("OnChange panicked", "err", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	a.cfg.OnChange(change)
}

// log writes the record; one without a component is the app's. The cause of a
// stop is an error only if a component's function failed: a signal is none, nor
// is a Run that is done.
func (a *App) log(change Change, stack string) {
	level := slog.LevelInfo
	attrs := []slog.Attr{slog.String("state", change.State.String()), slog.Duration("took", change.Took)}
	if change.Component != "" {
		attrs = append(attrs, slog.String("component", change.Component))
	}
	switch failure, ok := errors.AsType[*Error](change.Err); {
	case change.Err == nil:
	case !ok || errors.Is(failure, errReturned):
		attrs = append(attrs, slog.Any("cause", change.Err))
	default:
		level = slog.LevelError
		attrs = append(attrs, slog.Any("err", change.Err))
		if stack != "" {
			attrs = append(attrs, slog.String("stack", stack))
		}
	}
	a.logger().LogAttrs(context.Background(), level, "state changed", attrs...)
}
