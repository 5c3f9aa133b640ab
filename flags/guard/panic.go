package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"
)

// PanicError is a panic of the new path that was contained.
type PanicError struct {
	Flag  string // its key
	Value any    // what was given to panic
	Stack []byte // of the panic; not in the text, which may reach who should not see it
}

// Error is the value in a line.
func (e *PanicError) Error() string {
	return fmt.Sprintf("guard: do %s: the new path panicked: %v", e.Flag, e.Value)
}

// Unwrap is the value, if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// caught makes an error of what was recovered, and counts and logs it. nil is of a
// runtime.Goexit, which nobody can stop; nor is a handler stopped that gives up on its
// connection.
func (g *Guard) caught(ctx context.Context, r request, value any) *PanicError {
	if value == nil {
		return nil
	}
	g.died(ctx, r, value)
	if aborts(value) {
		panic(value)
	}
	e := &PanicError{Flag: g.flag.Key(), Value: value, Stack: debug.Stack()}
	if second := time.Now().Unix(); g.told.Swap(second) != second {
		g.logger().ErrorContext(ctx, "guard: the new path panicked", "flag", e.Flag, "panic", value, "stack", string(e.Stack))
	}
	return e
}

// died counts a request that has panicked: a caller who has gone is no excuse, other than
// for giving up on the connection.
func (g *Guard) died(ctx context.Context, r request, value any) {
	g.end(ctx, r, time.Since(g.made), !aborts(value) || !gone(ctx))
}

func aborts(value any) bool {
	err, ok := value.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}
