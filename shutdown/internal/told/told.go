// Package told carries the news of a drain to work that lasts: an event stream, a
// WebSocket, a long job. Such work ends when it is told, between two messages, and
// not when its context ends, in the middle of one.
package told

import (
	"context"
	"sync"
	"sync/atomic"
)

// Signal is told once. The zero Signal is ready, and safe for concurrent use.
type Signal struct {
	// Go starts what On has registered: sync.WaitGroup.Go of who waits for it.
	// Default: the go statement.
	Go func(f func())

	listening atomic.Bool // since it was forgotten

	mu    sync.Mutex
	ch    chan struct{} // made for the first who listens
	told  bool
	calls map[*call]struct{} // what On has registered
}

type call struct{ f func() }

// C is closed when the signal is told.
func (s *Signal) C() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listening.Store(true)
	if s.ch == nil {
		s.ch = make(chan struct{})
		if s.told {
			close(s.ch)
		}
	}
	return s.ch
}

// On calls f, on a goroutine of its own, when the signal is told; at once if it
// has been. stop takes that back, and reports whether it could.
func (s *Signal) On(f func()) (stop func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listening.Store(true)
	if s.told {
		s.start(f)
		return func() bool { return false }
	}
	c := &call{f}
	if s.calls == nil {
		s.calls = make(map[*call]struct{})
	}
	s.calls[c] = struct{}{}
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, waiting := s.calls[c]
		delete(s.calls, c)
		return waiting
	}
}

// Listening reports whether anybody has begun to listen since Forget. Nobody
// listens to nil.
func (s *Signal) Listening() bool { return s != nil && s.listening.Load() }

// Forget is for a new piece of work on the same signal, which may not listen.
func (s *Signal) Forget() {
	if s.listening.Load() { // seldom, so that who never listens writes nothing
		s.listening.Store(false)
	}
}

// Told reports whether Tell has been called.
func (s *Signal) Told() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// Tell may be called twice.
func (s *Signal) Tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told {
		return
	}
	s.told = true
	if s.ch != nil {
		close(s.ch)
	}
	for c := range s.calls {
		s.start(c.f)
	}
	s.calls = nil
}

func (s *Signal) start(f func()) {
	if s.Go == nil {
		go f()
		return
	}
	s.Go(f)
}

type key struct{}

// With returns a context in which From finds s.
func With(ctx context.Context, s *Signal) context.Context { return context.WithValue(ctx, key{}, s) }

// From returns the signal of ctx, or nil.
func From(ctx context.Context) *Signal {
	s, _ := ctx.Value(key{}).(*Signal)
	return s
}

// Context has a signal of its own, which is made when somebody asks for it: it is
// for pieces of work of which there are many and of which few listen.
type Context struct {
	context.Context //nolint:containedctx // it is one
	signal          atomic.Pointer[Signal]
}

// Value is a context's.
func (c *Context) Value(k any) any {
	if k == (key{}) {
		return c.own()
	}
	return c.Context.Value(k)
}

func (c *Context) own() *Signal {
	if s := c.signal.Load(); s != nil {
		return s
	}
	s := new(Signal)
	if above := From(c.Context); above != nil {
		s.Go = above.Go
	}
	if c.signal.CompareAndSwap(nil, s) {
		return s
	}
	return c.signal.Load() // two asked at once
}

// Asked is the context's own signal; nil if nobody has asked for it.
func (c *Context) Asked() *Signal { return c.signal.Load() }
