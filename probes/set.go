package probes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/internal/haste"
)

// Config tunes a [Set]. Its zero value is a good one.
type Config struct {
	// Delay is the shutdown delay: how long Drain waits, not ready and still
	// serving, while word of that gets around; 2 s by default, negative: none.
	Delay time.Duration
	// Logger gets one record when a check begins to fail, is stuck or passes
	// again; nil means slog.Default() at the time of use. The kubelet withholds
	// a probe's body from its events, so this is where the reason is found.
	Logger *slog.Logger
}

// A Set is the checks of one program and the answers of its probes. Its methods
// may be called at any time, from any goroutine, from within a check too. Make
// one with [New].
type Set struct {
	config  Config
	born    time.Time                            // moments are kept as the time since then: one cheap clock read a probe
	added   chan struct{}                        // tells Run of new checks
	answers [Liveness + 1]atomic.Pointer[answer] // by kind; what the probes read, and all that they read

	mu       sync.Mutex // guards what follows; never held during a check, a log record or a write
	entries  []*entry   // in the order of Add; only ever appended to
	running  bool       // Run is at work
	sealed   bool       // Ready was called
	started  bool       // sealed, and every startup check has passed; Add sees to it that this lasts
	draining bool
	drained  time.Duration // the moment at which the shutdown delay is over
}

// entry is one check of the set and what is known of it.
type entry struct {
	Check
	verdict  verdict  // guarded by Set.mu
	passed   bool     // at least once; guarded by Set.mu
	inFlight *attempt // the last run; belongs to the goroutine that watches the check
}

// New makes a set without checks. It starts nothing.
func New(config Config) *Set {
	s := &Set{config: config, born: time.Now(), added: make(chan struct{}, 1)}
	s.publish()
	return s
}

// Add takes checks into the set: all of them or, with an error that lists every
// mistake, none. It may be called at any time, and while Run is at work a new
// check is run at once; yet a readiness check makes the set unready until its
// first pass, and a startup check is refused when the startup is over.
func (s *Set) Add(checks ...Check) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := s.admit(checks)
	if err != nil {
		return err
	}
	s.entries = slices.Concat(s.entries, entries)
	s.publish()
	select {
	case s.added <- struct{}{}:
	default: // Run has been told and has not looked yet
	}
	return nil
}

func (s *Set) admit(checks []Check) ([]*entry, error) {
	known := make(map[string]bool, len(s.entries)+len(checks))
	for _, e := range s.entries {
		known[e.Name] = true
	}
	var entries []*entry
	var errs []error
	for i, c := range checks {
		c = c.withDefaults()
		faults := c.faults()
		if known[c.Name] {
			faults = append(faults, "there is a check of that name already: give each its own")
		}
		if c.Kind == Startup && s.started {
			faults = append(faults, "the startup is over: add it before Ready, or make it a readiness check")
		}
		if len(faults) > 0 {
			errs = append(errs, fmt.Errorf("probes: add check %d, %q: %s", i+1, c.Name, strings.Join(faults, "; ")))
		}
		known[c.Name] = true
		entries = append(entries, &entry{Check: c, verdict: verdict{name: c.Name, reason: pending, until: never}})
	}
	return entries, errors.Join(errs...)
}

// Ready seals the set and returns at once, never with an error: what has to be
// checked from the start was added. From here on /startupz may pass, and /readyz
// as soon as that has; before, a set without checks would pass for a ready one.
// After Drain it makes nothing ready: a start that ends after the signal must
// not win.
//
// As a component it is the last to start. A kubelet does not ask for liveness
// and readiness before its startup probe has succeeded, so a slow start kills
// nothing within that probe's failureThreshold × periodSeconds.
func (s *Set) Ready(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = true
	s.publish()
	return nil
}

// Drain makes /readyz answer 503 at once and for ever, whatever any check says,
// and then waits for the shutdown delay, while everything still serves. /livez
// is not touched. As a component it is the first to stop: an instance that
// closes before it is known to be unready drops what is still sent to it
// (kubernetes/kubernetes#88911).
//
// The wait is at most half of the time that ctx leaves, as the rest of the
// shutdown needs some too, and none if a person pressed Ctrl-C. A wait that ctx
// cuts short is no error; Drain returns none. A second Drain waits for the same
// moment. Before Ready or Run it is as good as after.
func (s *Set) Drain(ctx context.Context) error {
	delay := s.delay(ctx)
	timer := time.NewTimer(min(delay, s.latch(delay)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

func (s *Set) delay(ctx context.Context) time.Duration {
	if haste.Asked(ctx) {
		return 0
	}
	delay := max(0, cmp.Or(s.config.Delay, 2*time.Second))
	if deadline, ok := ctx.Deadline(); ok {
		delay = min(delay, max(0, time.Until(deadline)/2))
	}
	return delay
}

// latch turns readiness off and returns how long it is until the delay, which
// only the first one sets, is over.
func (s *Set) latch(delay time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.draining, s.drained = true, s.now()+min(delay, never-s.now())
		s.publish()
	}
	return s.drained - s.now()
}

// publish puts up the answers that follow from the state. Whoever changed that
// holds the lock still, so no older answer can replace a newer one.
func (s *Set) publish() {
	s.started = s.sealed && s.startupPassed()
	for kind := Startup; kind <= Liveness; kind++ {
		p := picture{kind: kind, reason: s.reason(kind)}
		for _, e := range s.entries {
			if e.Kind == kind {
				p.verdicts = append(p.verdicts, e.verdict)
			}
		}
		s.answers[kind].Store(p.render(s.now()))
	}
}

func (s *Set) startupPassed() bool {
	return !slices.ContainsFunc(s.entries, func(e *entry) bool { return e.Kind == Startup && !e.settled() })
}

// reason is why a probe fails whatever its checks say.
func (s *Set) reason(kind Kind) reason {
	switch {
	case kind == Liveness:
		return none
	case kind == Readiness && s.draining:
		return draining
	case !s.started:
		return starting
	}
	return none
}

func (s *Set) now() time.Duration { return time.Since(s.born) }

func (s *Set) logger() *slog.Logger { return cmp.Or(s.config.Logger, slog.Default()) }
