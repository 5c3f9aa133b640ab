package probes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
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
	watchers.Wait()
	return stragglers(watched)
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
	s.running = true
	return true
}

// leave lets no liveness verdict expire that holds: nobody will renew it, and a
// process that is told to stop while its requests finish must not be killed.
func (s *Set) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
	for _, e := range s.entries {
		if e.Kind == Liveness && s.now() <= e.verdict.until {
			e.verdict.until = never
		}
	}
	s.publish()
}

// after returns the checks that were added after the first n.
func (s *Set) after(n int) []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[n:]
}

// watch runs one check for as long as there is something to ask.
func (s *Set) watch(ctx context.Context, e *entry) {
	for ctx.Err() == nil && !e.settled() {
		s.try(ctx, e)
		pause(ctx, jitter(e.Interval))
	}
}

// settled reports whether there is nothing more to learn from a check.
func (e *entry) settled() bool { return e.Kind == Startup && e.passed }

// try runs a check and judges it. If the last run has not returned there is no
// second one beside it, which would only pile up on what hangs
// (hellofresh/health-go#224, goharbor/harbor#23840).
func (s *Set) try(ctx context.Context, e *entry) {
	if !e.inFlight.returned() {
		s.judge(e, stuck, errors.New("it has not returned, and is not run again until it has"))
		return
	}
	e.inFlight = launch(ctx, e.Check)
	reason, err := timedOut, fmt.Errorf("no answer within %v", e.Timeout)
	select {
	case <-e.inFlight.done:
		reason, err = e.inFlight.reason, e.inFlight.err
	case <-time.After(e.Timeout):
	}
	if ctx.Err() == nil { // or else the end of ctx may be all that it says
		s.judge(e, reason, err)
	}
}

// judge makes a reason the verdict on a check, and logs what has changed.
func (s *Set) judge(e *entry, reason reason, err error) {
	s.mu.Lock()
	before, now := e.verdict, s.now()
	e.passed = e.passed || reason == none
	e.verdict = verdict{
		name:   e.Name,
		reason: reason,
		open:   e.Kind == Readiness && e.Scope == Shared && e.passed,
		until:  now + min(e.MaxAge, never-now),
	}
	if e.settled() {
		e.verdict.until = never
	}
	after := e.verdict
	s.publish()
	s.mu.Unlock()

	was, why := before.at(now, e.Kind)
	is, _ := after.at(now, e.Kind)
	if was != is || why == pending || reason == stuck && why != stuck {
		s.report(e, is, reason, cmp.Or(why, "pass"), err)
	}
}

// report is called without the lock: a log that hangs may stop the check it is
// told of, which then goes stale, and nothing else.
func (s *Set) report(e *entry, is status, reason, was reason, err error) {
	log := s.logger().With("check", e.Name, "kind", e.Kind.String(), "state", is.String(),
		"was", string(was), "took", time.Since(e.inFlight.began))
	switch reason {
	case none:
		log.Info("probes: check passes")
	case stuck:
		log.Warn("probes: check is stuck", "err", err)
	default:
		log.Warn("probes: check fails", "reason", string(reason), "err", err)
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
