package heptioprobes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/heptiolabs/healthcheck"

	"github.com/handover-go/handover/probes"
)

// Adapt makes a check of the original into one for probes.Set's Add: c with Run, with
// Dials where the original is known to, and with a Timeout of 5 s by default. It is
// for a check that is to have settings of its own:
//
//	c, err := heptioprobes.Adapt(healthcheck.DatabasePingCheck(db, time.Second),
//		probes.Check{Name: "database", Kind: probes.Readiness, Scope: probes.Shared})
//
// Nil is refused, and so is what [Handler.AddLivenessCheck] refuses and what
// healthcheck.Timeout, Async and AsyncWithContext return. What is wrapped in a
// function of one's own is not recognised.
func Adapt(check healthcheck.Check, c probes.Check) (probes.Check, error) {
	c, err := adapt(check, c)
	if err != nil {
		return probes.Check{}, fmt.Errorf("heptioprobes: adapt %q: %w", c.Name, err)
	}
	return c, nil
}

func adapt(check healthcheck.Check, c probes.Check) (probes.Check, error) {
	if check == nil {
		return c, errors.New("the check is nil: give a function")
	}
	from := originOf(check)
	if fault := from.fault(c.Kind); fault != "" {
		return c, errors.New(fault)
	}
	c.Dials = c.Dials || from.dials()
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.Run = func(context.Context) error { return check() }
	return c, nil
}
