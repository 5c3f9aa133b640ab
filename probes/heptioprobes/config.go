package heptioprobes

import (
	"time"

	"github.com/handover-go/handover/probes"
)

// Config is for the checks that are added through a [Handler], all of them; one
// that is to differ is given to the set, by way of [Adapt]. Its zero value is a
// good one.
type Config struct {
	// Scope is that of readiness checks; probes.Local by default, for that is how
	// the original does it: any failure makes this instance unready. Its methods
	// cannot ask, so this is the one place where a scope is assumed. If what is
	// checked is used by all instances, probes.Shared keeps them in traffic.
	Scope probes.Scope
	// Interval, MaxAge, FailAfter and PassAfter are as in probes.Check, with its
	// defaults. The original believes every single result: FailAfter and PassAfter
	// of 1 do so too.
	Interval, MaxAge     time.Duration
	FailAfter, PassAfter int
	// Timeout bounds a run, as in probes.Check, but is 5 s by default: a check of
	// the original hears no context and mostly has a time-out of its own, which
	// should end it first. One that hangs is stuck, and is not run again until it
	// has returned.
	Timeout time.Duration
	// ErrorText has ?full=1 show the text of errors, as the original does, to
	// whoever asks. A panic stays "panic": its text is a stack.
	ErrorText bool
}
