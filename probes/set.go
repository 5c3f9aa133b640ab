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

	"github.com/handover-go/handover/probes/internal/answer"
	"github.com/handover-go/handover/probes/internal/audience"
)

// Config tunes a [Set]. Its zero value is a good one.
type Config struct {
	// Delay is the shutdown delay: how long Drain waits, not ready and still
	// serving, while word of that gets around; 2 s by default, negative: none.
	Delay time.Duration
	// DelayMax is how long Drain waits at the most, while balancers that ask
	// /readyz have not been told; 10 s by default, negative: for nobody.
	DelayMax time.Duration
	// Threshold is how many times in a row a balancer is told "not ready" until it
	// acts on it: HAProxy's fall, ALB's and Envoy's unhealthy threshold; 3 by
	// default.
	Threshold int
	// TerminationLog is a file that gets the reason and the stacks of the
	// goroutines when liveness fails: "/dev/termination-log" in Kubernetes, which
	// shows its first 4 KiB with the state of the container. Default: none.
	TerminationLog string
	// Logger gets one record when a check begins to fail, is stuck or passes
	// again; nil means slog.Default() at the time of use. The kubelet withholds
	// a probe's body from its events, so this is where the reason is found.
	Logger *slog.Logger
}

// A Set is the checks of one program and the answers of its probes. Its methods
// may be called at any time, from any goroutine, from within a check too. Make
// one with [New].
type Set struct {
	config   Config
	born     time.Time                                   // moments are kept as the time since then: one cheap clock read a probe
	added    chan struct{}                               // tells Run of new checks
	misled   chan audience.Misled                        // and of a balancer that asks the wrong place
	answers  [Liveness + 1]atomic.Pointer[answer.Answer] // by kind; what the probes read, and all that they read
	turns    [Liveness + 1][Fail + 1]atomic.Int64        // so often an answer has turned to each status
	audience audience.Audience

	mu      sync.Mutex // guards what follows; never held during a check, a log record or a write
	entries []*entry   // in the order of Add; only ever appended to
	running bool       // Run is at work
	sealed  bool       // Ready was called
	frozen  bool       // Run has ended, or is about to: liveness stays as it is
	dead    bool       // liveness failed when it was last judged
	started bool       // sealed, and all of startup has passed; Add sees to it that this lasts
	drain   drain
	changed chan struct{} // closed when an answer has been published; nil while nobody waits
}

// New makes a set without checks. It starts nothing.
func New(config Config) *Set {
	config.Delay = max(0, cmp.Or(config.Delay, 2*time.Second))
	config.DelayMax = max(0, cmp.Or(config.DelayMax, 10*time.Second))
	config.Threshold = max(1, cmp.Or(config.Threshold, 3))
	s := &Set{config: config, born: time.Now(), added: make(chan struct{}, 1), misled: make(chan audience.Misled, 1)}
	s.publish(Startup, Readiness, Liveness)
	return s
}

// Add takes checks into the set: all of them or, with an error that lists every
// mistake, none. It may be called at any time, and while Run is at work a new
// check is run at once; yet a readiness check makes the set unready until its
// first pass, and a startup check is refused when the startup is over.
func (s *Set) Add(checks ...Check) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []*entry
	var errs []error
	for i, c := range checks {
		c = c.withDefaults()
		e, faults := newEntry(c), c.faults()
		faults = append(faults, s.admit(e, entries)...)
		if len(faults) > 0 {
			errs = append(errs, fmt.Errorf("probes: add check %d, %q: %s", i+1, c.Name, strings.Join(faults, "; ")))
		}
		entries = append(entries, e)
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	s.take(entries...)
	return nil
}

// take has entries that were admitted belong to the set.
func (s *Set) take(entries ...*entry) {
	for _, e := range entries {
		e.since = s.now()
	}
	s.entries = slices.Concat(s.entries, entries)
	s.publish(Startup, Readiness, Liveness)
	select {
	case s.added <- struct{}{}:
	default: // Run has been told and has not looked yet
	}
}

// admit finds what speaks against a new entry beside those that there are, and what
// it depends on.
func (s *Set) admit(e *entry, besides []*entry) (faults []string) {
	known := slices.Concat(s.entries, besides)
	if slices.ContainsFunc(known, func(other *entry) bool { return other.Name == e.Name }) {
		faults = append(faults, "there is a check, gate or toggle of that name already: give each its own")
	}
	if e.Kind == Startup && s.started {
		faults = append(faults, "the startup is over: add it before Ready, or make it one of readiness")
	}
	for _, name := range e.DependsOn {
		i := slices.IndexFunc(known, func(other *entry) bool { return other.Name == name })
		switch {
		case i < 0:
			faults = append(faults, fmt.Sprintf("it depends on %q, which is not there: add that before it", name))
		case known[i].Kind != e.Kind:
			faults = append(faults, fmt.Sprintf("it depends on %q, which is one of %v: only its own kind is shown beside it", name, known[i].Kind))
		case e.Scope == Local && known[i].Scope == Shared:
			faults = append(faults, fmt.Sprintf("it depends on %q, which is Shared: its failure is everybody's as well, so make it Shared", name))
		default:
			e.parents = append(e.parents, known[i])
		}
	}
	return faults
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
	s.publish(Startup, Readiness)
	return nil
}

func (s *Set) now() time.Duration { return time.Since(s.born) }

func (s *Set) logger() *slog.Logger { return cmp.Or(s.config.Logger, slog.Default()) }
