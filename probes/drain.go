package probes

import (
	"context"
	"time"

	"github.com/handover-go/handover/internal/haste"
	"github.com/handover-go/handover/probes/internal/answer"
)

// drain is the latch above everything, and what is known of the wait behind it. It
// is guarded by Set.mu.
type drain struct {
	began    bool
	at       time.Duration // it began
	least    time.Duration // the moment at which the shutdown delay is over
	most     time.Duration // and at which it is over whoever has not been told
	observed time.Duration // after it began, all balancers had been told
}

// Drain makes /readyz answer 503 at once and for ever, whatever any check says,
// and then waits for the shutdown delay, while everything still serves. /livez
// is not touched. As a component it is the first to stop: an instance that
// closes before it is known to be unready drops what is still sent to it
// (kubernetes/kubernetes#88911).
//
// The delay is a margin for what is told of the end of an endpoint by somebody
// else, as a kube-proxy is; a real one took up to 1 s. It is longer, up to
// DelayMax, only while a balancer that polls /readyz itself has not been told
// "not ready" as often as its threshold asks: HAProxy, AWS, Google, Envoy, Consul,
// or an agent that nobody knows and that has come back. One that stays away for
// three times its own interval has gone. The kubelet is never waited for: a pod's
// endpoint goes when the pod is deleted, whatever its probe says, and at
// 10 s × 3 the whole grace period would be gone.
//
// The wait is at most half of the time that ctx leaves, as the rest of the
// shutdown needs some too, and none if a person pressed Ctrl-C. A wait that ctx
// cuts short is no error; Drain returns none. A second Drain waits for the same
// moment. Before Ready or Run it is as good as after.
func (s *Set) Drain(ctx context.Context) error {
	least, most := s.latch(ctx)
	if haste.Asked(ctx) {
		return nil
	}
	w := wait{set: s, least: least, most: most, told: -1}
	for ctx.Err() == nil {
		news := s.audience.News()
		until := w.next()
		if until <= 0 {
			return nil
		}
		timer := time.NewTimer(until)
		select {
		case <-news:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil
}

// echo is the time in which the last answer gets to the balancer, and the balancer
// acts on it.
const echo = 100 * time.Millisecond

// wait is one Drain that waits.
type wait struct {
	set         *Set
	least, most time.Duration // moments, as those of drain
	waited      bool          // for somebody who had to be told
	told        time.Duration // the moment at which all of them had been; -1: not yet
}

// next is how long it is worth waiting for something to happen; 0: not any more.
func (w *wait) next() time.Duration {
	now := w.set.now()
	untold, until := w.set.audience.Untold(w.set.config.Threshold, now)
	if untold > 0 {
		w.waited, w.told = true, -1
		return min(until, max(w.least, w.most)) - now
	}
	w.set.noteObserved(now)
	if w.waited && w.told < 0 {
		w.told = now
	}
	end := w.least
	if w.told >= 0 {
		end = max(w.least, min(w.most, w.told+echo))
	}
	return end - now
}

func (s *Set) noteObserved(now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drain.observed == 0 {
		s.drain.observed = max(1, now-s.drain.at)
	}
}

// latch turns readiness off and returns the moments until which to wait, which
// only the first Drain sets, and a later one with less time cuts short for itself.
func (s *Set) latch(ctx context.Context) (least, most time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, now := &s.drain, s.now()
	least, most = now+s.share(ctx, s.config.Delay), now+s.share(ctx, s.config.DelayMax)
	if !d.began {
		d.began, d.at, d.least, d.most = true, now, least, most
		s.publish(Readiness)
	}
	return min(least, d.least), min(most, d.most)
}

// share is a wait of at most half of the time that is left.
func (s *Set) share(ctx context.Context, wait time.Duration) time.Duration {
	if haste.Asked(ctx) {
		return 0
	}
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, max(0, time.Until(deadline)/2))
	}
	return min(wait, answer.Never/2)
}
