package probes

import (
	"context"
	"time"

	"github.com/handover-go/handover/probes/internal/answer"
)

// Follow calls f with what each endpoint says, and again whenever that has turned,
// until ctx ends; then it returns nil. It is for those that are told rather than
// asked: gRPC's health service, a registry.
//
// f is called by the goroutine that called Follow, in order, and under no lock. While
// it is at work what happens in between is passed over: it is told what holds, not
// what has held. A verdict that expires is a turn, too.
func (s *Set) Follow(ctx context.Context, f func(Kind, Status)) error {
	told := [Liveness + 1]Status{-1, -1, -1, -1}
	for ctx.Err() == nil {
		changed := s.watchChange()
		until := answer.Never
		for kind := Startup; kind <= Liveness; kind++ {
			a := s.answer(kind)
			until = min(until, a.Until)
			if status := Status(a.Status); status != told[kind] {
				told[kind] = status
				f(kind, status)
			}
		}
		s.waitForChange(ctx, changed, until)
	}
	return nil
}

func (s *Set) watchChange() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

func (s *Set) waitForChange(ctx context.Context, changed <-chan struct{}, until time.Duration) {
	var expired <-chan time.Time
	if until < answer.Never {
		timer := time.NewTimer(until - s.now() + 1) // it holds up to that moment, and not after
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-changed:
	case <-expired:
	case <-ctx.Done():
	}
}
