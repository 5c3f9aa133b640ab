package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// Config changes how a Pool or a Queue works. The zero value is one worker that
// hands nothing back.
type Config[T any] struct {
	// Count is the number of workers: of jobs that are done at the same time.
	// Default 1.
	Count int
	// Name is what errors call a job; it is asked when the job is taken. Names
	// reach logs, so they should hold an id and no secrets. Default "job".
	Name func(T) string
	// HandBack returns a job to where it came from (nack, release, put back), so
	// that another process does it: one that was never begun, whose do was
	// cancelled by the end of the time, panicked (a *PanicError), or wrapped
	// shutdown.ErrStopped. It is not called for an ordinary error of do: whether
	// that is worth another attempt only you know; nack, or acknowledge, in Failed
	// or in do. After it a worker waits as after a failing pull; a job that panics
	// each time comes back each time, so let the broker count. Several workers call
	// it at the same time. Its context ends when nine tenths of the Margin are over.
	// Default: nothing is handed back, and Shutdown's error names what should have
	// been. A do that hands back by itself returns nil.
	HandBack func(ctx context.Context, job T, why error) error
	// Failed is told of errors and panics of do, and of a HandBack that failed,
	// while the pool works on. Default: a record of level error.
	Failed func(ctx context.Context, job T, err error)
	// Margin is kept at the end of Shutdown for handing back: the context of do is
	// cancelled by so much before the deadline. It is at most half of what is left.
	// Default a quarter of what is left, at most 1 s; negative: none.
	Margin time.Duration
	// BackoffMin and BackoffMax bound the wait after a pull that failed, or a job
	// that was handed back. It doubles each time, and is shortened at random by up to
	// a half. Default 100 ms and 10 s.
	BackoffMin, BackoffMax time.Duration
	// Logger gets a record when pulling begins to fail, when it works again, and
	// one when Shutdown has finished. Default slog.Default() at the time of use.
	Logger *slog.Logger
}

func (c Config[T]) withDefaults() Config[T] {
	c.Count = cmp.Or(c.Count, 1)
	c.BackoffMin = cmp.Or(c.BackoffMin, 100*time.Millisecond)
	c.BackoffMax = max(cmp.Or(c.BackoffMax, 10*time.Second), c.BackoffMin)
	if c.Failed == nil {
		c.Failed = func(ctx context.Context, job T, err error) {
			c.logger().ErrorContext(ctx, "job failed", "job", c.name(job), "err", err)
		}
	}
	return c
}

// margin is what is kept of the time that is left.
func (c Config[T]) margin(left time.Duration) time.Duration {
	if c.Margin == 0 {
		return min(time.Second, left/4)
	}
	return max(0, min(c.Margin, left/2))
}

func (c Config[T]) name(job T) (name string) {
	name = "job"
	if c.Name != nil {
		_ = guard(func() error { // a mistake in a name loses no job
			name = c.Name(job)
			return nil
		})
	}
	return name
}

func (c Config[T]) logger() *slog.Logger { return cmp.Or(c.Logger, slog.Default()) }

// PanicError is a panic of a function that was given to the pool, or its call of
// runtime.Goexit. The pool lives on. The value is not wrapped: a
// panic(context.Canceled) is still a panic.
type PanicError struct {
	Value any    // nil: runtime.Goexit
	Stack string // of the goroutine
}

// Error has the value, and not the stack.
func (e *PanicError) Error() string {
	if e.Value == nil {
		return "it called runtime.Goexit"
	}
	return fmt.Sprintf("panic: %v", e.Value)
}

// guard makes a panic of f an error. It does not return from runtime.Goexit.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: string(debug.Stack())}
		}
	}()
	return f()
}
