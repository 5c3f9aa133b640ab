package probes

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/handover-go/handover/probes/internal/answer"
)

// attempt is one run of a check. It has a goroutine of its own, because a check
// may overstay its time-out, panic, or end its goroutine.
type attempt struct {
	began time.Time
	done  chan struct{} // closed when the check has returned
	found finding       // valid then
}

func launch(ctx context.Context, c Check) *attempt {
	a := &attempt{began: time.Now(), done: make(chan struct{})}
	// What stays if Run never gets to return.
	a.found = finding{result: Panicked, reason: answer.Panicked, err: errors.New("the check ended its goroutine (runtime.Goexit)")}
	go a.run(ctx, c)
	return a
}

func (a *attempt) run(ctx context.Context, c Check) {
	defer close(a.done)
	defer func() {
		if value := recover(); value != nil {
			a.found.err = fmt.Errorf("panic: %v\n%s", value, debug.Stack())
		}
		a.found.took = time.Since(a.began)
	}()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	a.found = classify(ctx, c.Run(ctx))
}

// classify is called where a panic is caught: the error is foreign code as well.
func classify(ctx context.Context, err error) finding {
	type timeouter interface {
		error
		Timeout() bool
	}
	if err == nil {
		return finding{result: Passed}
	}
	late := finding{result: TimedOut, reason: answer.TimedOut, err: err}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return late // whatever it makes of the end of its time
	}
	reason, mild := coded(err)
	if t, ok := errors.AsType[timeouter](err); ok && t.Timeout() && reason == answer.Failed && !mild {
		return late // a shorter time-out of its own, or of the network
	}
	if mild {
		return finding{result: Degraded, reason: reason, mild: true, err: err}
	}
	return finding{result: Failed, reason: reason, err: err}
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
