// Package haste tells a stop that a person is waiting at the terminal.
//
// After Ctrl-C nobody routes traffic any more, so the waits that are there for
// balancers (the shutdown delay, the linger) only keep a person waiting. Who
// receives the signal marks the context; who would wait looks at the mark. It
// travels as a context value because the context of a stop must not be ended by
// the signal, while it keeps its values (context.WithoutCancel).
package haste

import (
	"context"
	"sync/atomic"
)

type key struct{}

// With returns a context in which Asked can become true, and the function that
// makes it so.
func With(ctx context.Context) (marked context.Context, mark func()) {
	var flag atomic.Bool
	return context.WithValue(ctx, key{}, &flag), func() { flag.Store(true) }
}

// Asked reports whether a person asked for the stop that ctx belongs to.
func Asked(ctx context.Context) bool {
	flag, ok := ctx.Value(key{}).(*atomic.Bool)
	return ok && flag.Load()
}
