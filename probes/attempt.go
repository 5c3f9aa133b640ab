package probes

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// attempt is one run of a check. It has a goroutine of its own, because a check
// may overstay its time-out, panic, or end its goroutine.
type attempt struct {
	began  time.Time
	done   chan struct{} // closed when the check has returned
	reason reason        // valid then
	err    error         // valid then
}

func launch(ctx context.Context, c Check) *attempt {
	a := &attempt{
		began:  time.Now(),
		done:   make(chan struct{}),
		reason: panicked, // what stays if Run never gets to return
		err:    errors.New("the check ended its goroutine (runtime.Goexit)"),
	}
	go a.run(ctx, c)
	return a
}

func (a *attempt) run(ctx context.Context, c Check) {
	defer close(a.done)
	defer func() {
		if value := recover(); value != nil {
			a.reason, a.err = panicked, fmt.Errorf("panic: %v\n%s", value, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	err := c.Run(ctx)
	a.reason, a.err = classify(ctx, err), err
}

// classify is called where a panic is caught: the error is foreign code as well.
func classify(ctx context.Context, err error) reason {
	type timeouter interface {
		error
		Timeout() bool
	}
	if err == nil {
		return none
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return timedOut // whatever it makes of the end of its time
	}
	if t, ok := errors.AsType[timeouter](err); ok && t.Timeout() {
		return timedOut // a shorter time-out of its own, or of the network
	}
	return failed
}

// returned reports whether the check may be run: it never was, or has returned.
func (a *attempt) returned() bool {
	if a == nil {
		return true
	}
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}
