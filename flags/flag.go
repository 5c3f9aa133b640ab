package flags

import (
	"context"
	"sync/atomic"

	"github.com/handover-go/handover/flags/internal/definition"
)

// Flag is a declared flag whose values are of type T. It is a plain value: declare it
// once, as a variable of the package that reads it, and hand it to New. Its methods may be
// called from any goroutine; they do not block, allocate or panic.
type Flag[T any] struct {
	decl     *declaration
	fallback T
}

// Switch is a boolean Flag.
type Switch struct{ Flag[bool] }

// About says what people want to know of a flag. All of it may be left out.
type About struct {
	Owner   string // who is asked: a team, not a person
	Expires string // the day on which it should be gone: 2027-03-01

	// SafeOn says that true is the safe value of a Bool. Without it a default of true
	// is refused: when the store is gone or the flag deleted, the default is what
	// everybody gets (PostHog/posthog#34169).
	SafeOn bool
}

// Handle is a Flag of any type, or a Switch.
type Handle interface{ declared() *declaration }

// declaration is what a client needs to know of a flag. Its address is its identity.
type declaration struct {
	key      string
	kind     definition.Kind
	about    About
	mistakes []string

	decode func([]definition.Variant) decoded // for evaluation
	safe   func(definition.Variant) bool      // whether it is the default's value

	place    atomic.Int64  // with the client that was made last: most programs have one
	unpinned atomic.Uint64 // evaluations without a pin
	told     atomic.Bool   // and somebody has been told
}

// decoded are the values of a flag's variants, in their order.
type decoded struct {
	values any    // []T
	wrong  []bool // those that are no T; nil if all are
	opens  []bool // those that are not the default; nil for who has not declared the flag
}

// Key is the flag's name in the definitions.
func (f Flag[T]) Key() string {
	if f.decl == nil {
		return ""
	}
	return f.decl.key
}

// Default is the value for everybody when the definitions do not say otherwise.
func (f Flag[T]) Default() T { return f.fallback }

// Value is the flag's value for the subject that is pinned to ctx. On any error it is
// the default. A T with maps, slices or pointers is shared: do not write to it.
func (f Flag[T]) Value(ctx context.Context) T {
	p, e, out := f.decl.ask(ctx)
	return f.value(p, e, out)
}

// On is Value, for an if: false where nothing can be decided and the default is false.
func (s Switch) On(ctx context.Context) bool { return s.Value(ctx) }

// Detail is the flag's value, and how it came about.
func (f Flag[T]) Detail(ctx context.Context) (d Detail[T]) {
	p, e, out := f.decl.ask(ctx)
	d.Value = f.value(p, e, out)
	d.describe(p, e, out)
	return d
}

// value is the answer's, or the default.
func (f Flag[T]) value(p *pin, e *entry, out definition.Outcome) T {
	if out.Variant >= 0 {
		if values, ok := e.values.values.([]T); ok {
			return values[out.Variant]
		}
	}
	if out.Reason == forcedBy {
		given, _ := p.given(f.decl)
		v, _ := given.(T) // or nil, of a T that can be
		return v
	}
	return f.fallback
}

func (f Flag[T]) declared() *declaration { return f.decl }
