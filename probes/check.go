package probes

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"time"
)

// A Check is one function that is asked again and again, and how; [Set.Add]
// takes it. What it does to its probe:
//
//	                     before its first pass    when it fails later
//	Startup              503                      is not run any more
//	Readiness, Local     503                      503, the instance leaves
//	Readiness, Shared    503                      200, status "warn"
//	Liveness             200 until it fails       503, the instance is restarted
//
// With Impact Degrading it warns where it would fail, once it has been run.
type Check struct {
	// Name is public and unique in the set: 1 to 63 of a-z, 0-9, ".", "_", "-".
	Name string
	// Kind is the endpoint that the check is for; it must be given.
	Kind Kind
	// Scope must be given for Readiness. Liveness is always Local: a shared
	// failure there restarts every instance and heals none.
	Scope Scope
	// Impact is Critical by default. A startup check cannot be Degrading: it has
	// to pass, or is none.
	Impact Impact
	// Interval is the pause between the end of a run and the next; 5 s by
	// default. It varies by ±10 %, so that instances do not ask in step.
	Interval time.Duration
	// Timeout bounds one run; 1 s by default. A run that overstays it fails at
	// once, and is never joined by a second one: until it returns the check is
	// stuck.
	Timeout time.Duration
	// MaxAge is how long a verdict holds; 3 × Interval + Timeout by default.
	// An older one is a failure, whatever scope and impact: nobody judges any more.
	MaxAge time.Duration
	// FailAfter is how many runs in a row have to fail until a check that passes
	// does; 3 by default. A lost packet is no reason to leave, and the platform's
	// threshold is one for all checks. The first run of all decides alone.
	FailAfter int
	// PassAfter is how many runs in a row have to pass until a check that fails
	// does; 2 by default. Startup checks pass at once.
	PassAfter int
	// DependsOn names checks, gates or toggles of the same kind without which
	// this one cannot pass; they were added before it, or stand before it. While
	// one of them fails, a failure of this one is shown as suppressed, so that
	// the cause stands alone. It still counts.
	DependsOn []string
	// Dials says that Run goes over a network, which Liveness refuses. Where Run
	// is known to, such as pgxpool's Ping, it need not be said.
	Dials bool
	// Run returns nil if all is well. It is called by one goroutine at a time,
	// with a context that ends at Timeout or with Run of the set. A panic fails
	// the check. The text of its error goes to the log and to the admin's page,
	// never to a prober; a *ReasonError has a code that does.
	Run func(context.Context) error
}

// longest is for an Interval or a Timeout, so that their sums do not overflow.
const longest = 365 * 24 * time.Hour

// validName is what needs no escaping in JSON, in a metric's label, or in a path;
// its length leaves room for any name in a body.
var validName = regexp.MustCompile(`^[a-z0-9._-]{1,63}$`)

const nameFault = `the name must be 1 to 63 of a-z, 0-9, ".", "_" and "-"`

func (c Check) withDefaults() Check {
	c.Interval = cmp.Or(c.Interval, 5*time.Second)
	c.Timeout = cmp.Or(c.Timeout, time.Second)
	c.MaxAge = cmp.Or(c.MaxAge, 3*c.Interval+c.Timeout)
	c.FailAfter = cmp.Or(c.FailAfter, 3)
	c.PassAfter = cmp.Or(c.PassAfter, 2)
	if c.Kind == Startup {
		c.PassAfter = 1
	}
	return c
}

// faults lists every mistake in a check that has its defaults, and what would
// be right instead.
func (c Check) faults() []string {
	var faults []string
	when := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	when(!validName.MatchString(c.Name), nameFault)
	when(c.Run == nil, "Run is nil: give the function to call")
	when(c.Kind < Startup || c.Kind > Liveness,
		"%v is no kind: say probes.Startup, probes.Readiness or probes.Liveness", c.Kind)
	when(c.Scope < 0 || c.Scope > Shared, "%d is no scope: say probes.Local or probes.Shared", c.Scope)
	when(c.Kind == Readiness && c.Scope == 0, "a readiness check needs a scope: say probes.Local if its failure "+
		"means that this instance is broken, probes.Shared if it means that all are")
	when(c.Impact < 0 || c.Impact > Degrading, "%d is no impact: say probes.Critical or probes.Degrading", c.Impact)
	when(c.Kind == Startup && c.Impact == Degrading, "a startup check that is Degrading never delays the start: "+
		"leave Impact out, or make it a readiness check")
	when(c.FailAfter < 0, "FailAfter is %d: give 1 or more, or leave it out for the default", c.FailAfter)
	when(c.PassAfter < 0, "PassAfter is %d: give 1 or more, or leave it out for the default", c.PassAfter)
	if fault := c.external(); fault != "" {
		faults = append(faults, fault)
	}
	return append(faults, c.durationFaults()...)
}

func (c Check) durationFaults() []string {
	var faults []string
	for _, d := range []struct {
		field string
		value time.Duration
	}{{"Interval", c.Interval}, {"Timeout", c.Timeout}} {
		if d.value <= 0 || d.value > longest {
			faults = append(faults, fmt.Sprintf("%s is %v: give more than zero and at most %v, or leave it out for the default",
				d.field, d.value, longest))
		}
	}
	if len(faults) > 0 {
		return faults // the default of MaxAge is made of them
	}
	if least := c.Interval + c.Interval/10 + c.Timeout; c.MaxAge < least {
		faults = append(faults, fmt.Sprintf("MaxAge is %v, which ends between two runs in good order: "+
			"give at least Interval + 10 %% + Timeout = %v", c.MaxAge, least))
	}
	return faults
}
