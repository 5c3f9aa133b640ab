package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/internal/stack"
)

// moment is how long a function may take to return by itself after its time is
// over. One that honours its context comes back within it and says what was
// lost; one that does not is abandoned. It is long enough for a process whose
// processor quota is used up (such a pause is up to 100 ms).
const moment = 200 * time.Millisecond

// Call brings the likes of pool.Close() and Close() error into the shape of a
// component's function. They cannot be told when the time is over; one that
// hangs is abandoned, with its stack, and the stop goes on.
func Call[F func() | func() error](f F) func(context.Context) error {
	return func(context.Context) error {
		switch f := any(f).(type) {
		case func():
			if f != nil {
				f()
				return nil
			}
		case func() error:
			if f != nil {
				return f()
			}
		}
		return errors.New("lifecycle: call: the function is nil; give Call a method value such as pool.Close")
	}
}

// call is a function of a component under way in a goroutine of its own.
type call struct {
	op        string
	began     time.Time
	goroutine atomic.Uint64
	done      chan struct{}

	// Valid once done is closed.
	err   error
	stack string // where it panicked or called runtime.Goexit
}

// begin calls f. When f has returned, and before anybody who waits learns of
// it, then is called, if it is not nil.
func begin(ctx context.Context, op string, f func(context.Context) error, then func(*call)) *call {
	c := &call{op: op, began: time.Now(), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.goroutine.Store(uint64(stack.Current()))
		c.guard(ctx, f, then)
	}()
	return c
}

// guard makes a panic and runtime.Goexit errors of f and of nobody else. The
// value of a panic is not wrapped: panic(context.Canceled) is still a panic.
func (c *call) guard(ctx context.Context, f func(context.Context) error, then func(*call)) {
	returned := false
	defer func() {
		if !returned {
			c.err, c.stack = errGoexit, string(debug.Stack())
			if p := recover(); p != nil {
				c.err = fmt.Errorf("panic: %v", p)
			}
		}
		if then != nil {
			then(c)
		}
	}()
	c.err = f(ctx)
	returned = true
}

// ended reports whether the function has returned.
func (c *call) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// wait waits for the function to return, until the deadline and a moment more,
// and reports whether it has. The moment is there even if the deadline is past.
func (c *call) wait(deadline time.Time) bool {
	timer := time.NewTimer(max(time.Until(deadline.Add(moment)), moment))
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
	}
	return c.ended()
}

// failed is the error of a function that has returned one.
func (c *call) failed(component string) *Error {
	return &Error{Component: component, Op: c.op, Err: c.err, Stack: c.stack}
}

// abandoned is the error of a function that was told, and does not return.
func (c *call) abandoned(component string, told time.Time) *Error {
	id := stack.ID(c.goroutine.Load())
	return &Error{
		Component: component,
		Op:        c.op,
		Err:       fmt.Errorf("abandoned after %v: %w", short(time.Since(told)), context.DeadlineExceeded),
		Stack:     stack.Of(id)[id],
	}
}
