package probes

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"time"
)

// Kind is the question that a check helps to answer. The zero value is none:
// a check has to say which.
type Kind int

// The kinds; each has its endpoint.
const (
	Startup   Kind = iota + 1 // has it started? Run until it has passed once, then never again
	Readiness                 // may it have traffic?
	Liveness                  // may it live? A failure has the instance restarted
)

// String is the name that error texts and log records use.
func (k Kind) String() string {
	switch k {
	case Startup:
		return "startup"
	case Readiness:
		return "readiness"
	case Liveness:
		return "liveness"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Scope says who is broken when a check fails. A readiness check must say it,
// there is no default: the wrong one either keeps a broken instance in traffic
// or takes out all of them at once (linagora/openrag#915,
// GoogleCloudPlatform/alloydb-auth-proxy#641).
type Scope int

// The scopes.
const (
	Local  Scope = iota + 1 // this instance: the failure counts, the instance leaves
	Shared                  // everybody: after its first pass a failure only warns, as it must not empty the fleet
)

// A Check is one function that is asked again and again, and how; [Set.Add]
// takes it. What it does to its probe:
//
//	                     before its first pass    when it fails later
//	Startup              503                      is not run any more
//	Readiness, Local     503                      503, the instance leaves
//	Readiness, Shared    503                      200, status "warn"
//	Liveness             200 until it fails       503, the instance is restarted
type Check struct {
	// Name is public and unique in the set: 1 to 63 of a-z, 0-9, ".", "_", "-".
	Name string
	Kind Kind
	// Scope must be given for Readiness. Liveness is always Local: a shared
	// failure there restarts every instance and heals none.
	Scope Scope
	// Interval is the pause between the end of a run and the next; 5 s by
	// default. It varies by ±10 %, so that instances do not ask in step.
	Interval time.Duration
	// Timeout bounds one run; 1 s by default. A run that overstays it fails the
	// check at once, and is never joined by a second one: until it returns the
	// check is stuck.
	Timeout time.Duration
	// MaxAge is how long a verdict holds; 3 × Interval + Timeout by default.
	// An older one is a failure, whatever the scope: nobody judges any more.
	MaxAge time.Duration
	// Run returns nil if all is well. It is called by one goroutine at a time,
	// with a context that ends at Timeout or with Run of the set. A panic fails
	// the check. The text of its error goes to the log, never to a prober.
	Run func(context.Context) error
}

// longest is for an Interval or a Timeout, so that their sums do not overflow.
const longest = 365 * 24 * time.Hour

// validName is what needs no escaping in JSON, in a metric's label, or in a path;
// its length leaves room for any name in a body (see maxBody).
var validName = regexp.MustCompile(`^[a-z0-9._-]{1,63}$`)

func (c Check) withDefaults() Check {
	c.Interval = cmp.Or(c.Interval, 5*time.Second)
	c.Timeout = cmp.Or(c.Timeout, time.Second)
	c.MaxAge = cmp.Or(c.MaxAge, 3*c.Interval+c.Timeout)
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
	when(!validName.MatchString(c.Name), `the name must be 1 to 63 of a-z, 0-9, ".", "_" and "-"`)
	when(c.Run == nil, "Run is nil: give the function to call, such as pool.Ping")
	when(c.Kind < Startup || c.Kind > Liveness,
		"%v is no kind: say probes.Startup, probes.Readiness or probes.Liveness", c.Kind)
	when(c.Scope < 0 || c.Scope > Shared, "%d is no scope: say probes.Local or probes.Shared", c.Scope)
	when(c.Kind == Readiness && c.Scope == 0, "a readiness check needs a scope: say probes.Local if its failure "+
		"means that this instance is broken, probes.Shared if it means that all are")
	// srcco.de/posts/kubernetes-liveness-probes-are-dangerous.html
	when(c.Kind == Liveness && c.Scope == Shared, "a shared check on liveness restarts every instance at once "+
		"and heals none: make it a readiness check")
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
