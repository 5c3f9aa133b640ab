package probes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/handover-go/handover/probes/internal/answer"
)

// Run carries out the checks until ctx ends: each at once, and then again and
// again. As a component it is the first of the list, which ends after all that
// it checks. It is an error to run a set twice at the same time.
//
// When ctx ends, so do the contexts of the runs in flight; what they return no
// longer counts. Run waits for them, each up to its own time-out at the most,
// and returns nil, or an error that names every check which has not returned.
// Liveness stays as it was, for the process may still be draining; readiness
// goes stale.
func (s *Set) Run(ctx context.Context) error {
	if !s.enter() {
		return errors.New("probes: run: the set runs already: run it once")
	}
	defer s.leave()
	var watchers sync.WaitGroup
	var watched []*entry
	watchers.Go(func() { s.reportMisled(ctx) })
	for ctx.Err() == nil {
		for _, e := range s.after(len(watched)) {
			watched = append(watched, e)
			watchers.Go(func() { s.watch(ctx, e) })
		}
		select {
		case <-s.added:
		case <-ctx.Done():
		}
	}
	s.freeze()
	watchers.Wait()
	return stragglers(watched)
}

func (s *Set) reportMisled(ctx context.Context) {
	select {
	case m := <-s.misled: // there is no second one
		s.logger().Warn("probes: a balancer asks for liveness, which never tells it of a drain: have it ask /readyz",
			"agent", m.Agent.String(), "peer", m.Host)
	case <-ctx.Done():
	}
}

func stragglers(entries []*entry) error {
	var errs []error
	for _, e := range entries {
		if !e.inFlight.returned() {
			errs = append(errs, fmt.Errorf("probes: run: check %s has not returned: in flight for %v, time-out %v",
				e.Name, time.Since(e.inFlight.began), e.Timeout))
		}
	}
	return errors.Join(errs...)
}

func (s *Set) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		return false
	}
	s.running, s.frozen = true, false
	return true
}

func (s *Set) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
}

// freeze lets no liveness verdict expire that holds: nobody will renew it, and a
// process that is told to stop while its requests finish must not be killed.
func (s *Set) freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = true
	for _, e := range s.entries {
		if e.Kind == Liveness && s.now() <= e.verdict.Until {
			e.verdict.Until = answer.Never
		}
	}
	s.publish(Liveness)
}

// after returns the checks that were added after the first n.
func (s *Set) after(n int) []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[n:]
}

// watch runs one check for as long as there is something to ask.
func (s *Set) watch(ctx context.Context, e *entry) {
	for ctx.Err() == nil && !s.settled(e) {
		s.try(ctx, e)
		pause(ctx, jitter(e.Interval))
	}
}

func (s *Set) settled(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.Run == nil || e.settled()
}

// try runs a check and judges it. If the last run has not returned there is no
// second one beside it, which would only pile up on what hangs
// (hellofresh/health-go#224, goharbor/harbor#23840).
func (s *Set) try(ctx context.Context, e *entry) {
	if !e.inFlight.returned() {
		s.judge(e, finding{
			result: Stuck, reason: answer.Stuck, took: time.Since(e.inFlight.began),
			err: errors.New("it has not returned, and is not run again until it has"),
		})
		return
	}
	attempt := launch(ctx, e.Check)
	s.mu.Lock()
	e.inFlight = attempt // a report looks at it
	s.mu.Unlock()
	select {
	case <-attempt.done:
	case <-time.After(e.Timeout):
	}
	found := finding{result: TimedOut, reason: answer.TimedOut, took: e.Timeout, err: fmt.Errorf("no answer within %v", e.Timeout)}
	if attempt.returned() { // after a stop of the whole process both may have come
		found = attempt.found
	}
	if ctx.Err() == nil { // or else the end of ctx may be all that it says
		s.judge(e, found)
	}
}

// jitter varies a duration by ±10 %.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
