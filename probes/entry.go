package probes

import (
	"time"

	"github.com/handover-go/handover/probes/internal/answer"
)

// entry is one check, gate or toggle of the set and what is known of it. But for
// inFlight it is guarded by Set.mu.
type entry struct {
	Check    // of a gate or a toggle: Name and Kind, and no Run
	verdict  answer.Verdict
	passed   bool          // at least once
	fails    bool          // the verdict is a failure, not a pass or a finding that only degrades
	silenced bool          // its failure was logged as that of what it depends on
	against  int           // so many runs in a row have contradicted the verdict
	since    time.Duration // when the verdict began to say what it says
	judged   time.Duration // when it was last renewed; -1: never
	err      error         // what the last run said
	took     time.Duration // by the last run
	runs     map[Result]int64
	times    Durations
	parents  []*entry
	inFlight *attempt // the last run; belongs to the goroutine that watches the check
}

// Result is how one run of a check ended; metrics count them.
type Result string

// The results, as in the label of the metric.
const (
	Passed   Result = "pass"     // Run returned nil
	Degraded Result = "degraded" // with a ReasonError that is Degrading
	Failed   Result = "fail"     // with any other error
	TimedOut Result = "timeout"  // it has not returned within Timeout
	Panicked Result = "panic"    // which counts as a failure
	Stuck    Result = "stuck"    // not a run, but one that could not be begun, since the last has not returned
)

func newEntry(c Check) *entry {
	return &entry{
		Check:   c,
		verdict: answer.Verdict{Name: c.Name, Reason: answer.Pending, Until: answer.Never},
		runs:    map[Result]int64{},
		judged:  -1,
	}
}

// settled reports whether there is nothing more to learn from a check.
func (e *entry) settled() bool { return e.Kind == Startup && e.passed }

// finding is what a run has brought.
type finding struct {
	result Result
	reason answer.Reason
	mild   bool
	err    error
	took   time.Duration
}

func (f finding) fails() bool { return f.reason != answer.None && !f.mild }

// note makes a finding the verdict, if it is the first one, agrees with it, or has
// been repeated often enough. Otherwise the verdict is only renewed.
func (e *entry) note(f finding, now time.Duration) {
	e.runs[f.result]++
	if f.result != Stuck {
		e.times = e.times.with(f.took)
	}
	e.err, e.took, e.judged = f.err, f.took, now
	// What has expired is not held against a contrary run: it would come back green.
	first := e.verdict.Reason == answer.Pending || now > e.verdict.Until
	e.verdict.Until = now + min(e.MaxAge, answer.Never-now)
	threshold := e.PassAfter
	if f.fails() {
		threshold = e.FailAfter
	}
	if !first && e.fails != f.fails() {
		if e.against++; e.against < threshold {
			return
		}
	}
	e.fails, e.against = f.fails(), 0
	e.passed = e.passed || !e.fails
	if e.settled() {
		e.verdict.Until = answer.Never
	}
	e.set(f.reason, f.mild || e.Impact == Degrading, now)
}

// set makes a reason the verdict.
func (e *entry) set(reason answer.Reason, mild bool, now time.Duration) {
	if reason != e.verdict.Reason {
		e.since = now
	}
	e.verdict.Reason, e.verdict.Mild = reason, mild
	e.verdict.Open = e.Kind == Readiness && e.Scope == Shared && e.passed && reason != answer.None && !mild
}

// cause is the first of those that this one depends on which fails as well.
func (e *entry) cause() string {
	for _, p := range e.parents {
		if p.verdict.Reason != answer.None && p.verdict.Reason != answer.Pending {
			return p.Name
		}
	}
	return ""
}
