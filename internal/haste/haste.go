// Package haste tells a stop when it was asked for, and that a person is waiting
// at the terminal.
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
	"time"
)

type key struct{}

type mark struct {
	hasty atomic.Bool
	began atomic.Pointer[time.Time]
}

// With returns a context in which Asked can become true, and the function that
// makes it so.
func With(ctx context.Context) (marked context.Context, hasten func()) {
	m := new(mark)
	return context.WithValue(ctx, key{}, m), func() { m.hasty.Store(true) }
}

// Asked reports whether a person asked for the stop that ctx belongs to.
func Asked(ctx context.Context) bool {
	m, ok := ctx.Value(key{}).(*mark)
	return ok && m.hasty.Load()
}

// Begin notes, in a context that comes from With, when the stop was asked for.
func Begin(ctx context.Context, at time.Time) {
	if m, ok := ctx.Value(key{}).(*mark); ok {
		m.began.CompareAndSwap(nil, &at)
	}
}

// Since returns when the stop was asked for that ctx belongs to; false where
// nobody noted it.
func Since(ctx context.Context) (time.Time, bool) {
	m, ok := ctx.Value(key{}).(*mark)
	if !ok || m.began.Load() == nil {
		return time.Time{}, false
	}
	return *m.began.Load(), true
}
