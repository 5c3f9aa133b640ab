package lifecycle

import (
	"errors"
	"fmt"
)

// ErrAlreadyRun is returned by a second call of Run: an app runs once.
var ErrAlreadyRun = errors.New("lifecycle: app already run")

var (
	errReturned = errors.New("returned before it was told to stop")
	errGoexit   = errors.New("runtime.Goexit was called")
)

// Error is what went wrong in one function of one component, or what is wrong
// with its configuration. Run and Plan join them; errors.AsType finds the first.
type Error struct {
	Component string // "" for the app itself
	Op        string // "start", "run", "stop" or "plan"
	Err       error  // the cause, never nil
	// Stack is where it panicked, or where it hung when it was abandoned;
	// otherwise empty. It is not part of the text.
	Stack string
}

// Error reads "lifecycle: stop api: context deadline exceeded".
func (e *Error) Error() string {
	if e.Component == "" {
		return fmt.Sprintf("lifecycle: %s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("lifecycle: %s %s: %v", e.Op, e.Component, e.Err)
}

// Unwrap returns the cause, so that errors.Is sees what the function returned.
// What was abandoned, or did not start in time, is context.DeadlineExceeded.
func (e *Error) Unwrap() error { return e.Err }

// same reports whether two functions of a component have returned one error: a
// server's Run and Stop often hand out the same.
func same(a, b error) bool { return errors.Is(a, b) && errors.Is(b, a) }
