package answer

import (
	"math"
	"time"
)

// Reason is a public code: all that a prober learns about a failure.
type Reason string

// The codes of a check, which may have others of its own, and of a whole set.
const (
	None       Reason = ""
	Pending    Reason = "pending" // has not been run yet
	Failed     Reason = "error"
	TimedOut   Reason = "timeout"
	Stuck      Reason = "stuck" // overstayed its time-out, and has still not returned
	Panicked   Reason = "panic"
	Stale      Reason = "stale"      // judged too long ago to be believed
	Suppressed Reason = "suppressed" // something that it depends on fails
	Closed     Reason = "closed"     // a gate
	On         Reason = "on"         // a toggle

	Starting Reason = "starting" // of the set
	Draining Reason = "draining" // of the set
)

// Reserved reports whether a code says that there is no verdict to believe, which is
// not for a check to say.
func (r Reason) Reserved() bool { return r == Pending || r == Stale || r == Suppressed }

// Status is ordered: a probe is as bad as the worst of its checks.
type Status int

// The statuses.
const (
	Pass Status = iota
	Warn        // a failure that is shown and does not count
	Fail
)

func (s Status) String() string { return [...]string{"pass", "warn", "fail"}[s] }

// Never is the moment at which a verdict expires that does not.
const Never = time.Duration(math.MaxInt64)

// Verdict is what is known of one check.
type Verdict struct {
	Name   string
	Reason Reason        // None: it passes
	Open   bool          // it fails open: that is shown, and only warns
	Mild   bool          // it only warns
	Until  time.Duration // later it is stale
	// Parents are the verdicts of the same picture on which this one depends. They
	// stand before it, which leaves no room for a circle.
	Parents     []int
	Done, Total int // how far a gate is; Total 0: it does not say
}

// At judges the verdict at a moment: what it counts for, and why. Staleness is no
// failure of what is checked, shared or mild or not, but of who checks: here, in
// this instance. So it counts. Lenient is where a check that was not run yet is
// believed to pass.
func (v Verdict) At(now time.Duration, lenient bool) (Status, Reason) {
	switch {
	case now > v.Until:
		return Fail, Stale
	case v.Reason == None:
		return Pass, None
	case v.Reason == Pending && lenient:
		return Pass, Pending
	case v.Reason == Pending:
		return Fail, Pending
	case v.Open, v.Mild:
		return Warn, v.Reason
	}
	return Fail, v.Reason
}

// Picture is all that goes into an answer.
type Picture struct {
	Lenient  bool   // see Verdict.At
	Reason   Reason // of the set: it fails whatever the checks say
	Verdicts []Verdict
}

// Line is one check as a body shows it.
type Line struct {
	Name        string
	Status      Status
	Reason      Reason
	Open        bool
	Done, Total int
}

// Judge says what each verdict counts for at a moment, in their order. A failure
// under one that it depends on still counts, and is shown as suppressed, so that
// the cause stands alone.
func (p Picture) Judge(now time.Duration) []Line {
	lines := make([]Line, len(p.Verdicts))
	for i, v := range p.Verdicts {
		status, reason := v.At(now, p.Lenient)
		if status != Pass && reason != Pending && reason != Stale {
			for _, parent := range v.Parents {
				if lines[parent].Status != Pass && lines[parent].Reason != Pending {
					reason = Suppressed
				}
			}
		}
		lines[i] = Line{v.Name, status, reason, status == Warn && v.Open, v.Done, v.Total}
	}
	return lines
}

// Status is that of the whole: the worst there is.
func (p Picture) Status(lines []Line) Status {
	status := Pass
	if p.Reason != None {
		status = Fail
	}
	for _, l := range lines {
		status = max(status, l.Status)
	}
	return status
}
