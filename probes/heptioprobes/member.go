package heptioprobes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/heptiolabs/healthcheck"

	"github.com/handover-go/handover/probes"
)

// member is what the set does not know of a check that was added here.
type member struct {
	shown string      // what its user calls it
	unrun atomic.Bool // it is of liveness, and has not been run yet
}

// AddLivenessCheck adds a check that, when it fails, has this instance restarted;
// it counts at /ready as well. What is known to dial is refused, for it would
// restart this instance when something else is broken, and so is GCMaxPauseCheck,
// which remembers one pause for hours. See [Handler.Err] for what becomes of a
// check that is refused.
func (h *Handler) AddLivenessCheck(name string, check healthcheck.Check) {
	h.add(probes.Liveness, name, check)
}

// AddReadinessCheck adds a check that, when it fails, has this instance get no
// traffic. Any name will do; the set, its log and its metrics have a plainer form
// of it: "DB Check" is db-check there. A name that is taken is refused, where the
// original forgets the former check, or shows "OK" for the one that fails.
func (h *Handler) AddReadinessCheck(name string, check healthcheck.Check) {
	h.add(probes.Readiness, name, check)
}

func (h *Handler) add(kind probes.Kind, name string, check healthcheck.Check) {
	name = strings.ToValidUTF8(name, "\uFFFD") // a metric's label has to be
	if err := h.enter(kind, name, check); err != nil {
		h.refuse(name, fmt.Errorf("heptioprobes: add %v check %q: %w", kind, name, err))
	}
}

func (h *Handler) enter(kind probes.Kind, name string, check healthcheck.Check) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	checks := h.set.Report().Checks
	c, err := adapt(check, h.settings(kind, plain(name, checks)))
	if h.taken(name, checks) {
		err = errors.Join(err, errors.New("the name is taken: give each check its own"))
	}
	if err != nil {
		return err
	}
	m := &member{shown: name}
	if kind == probes.Liveness {
		c.Run = h.meet(m, c.Run)
	}
	if err := h.set.Add(c); err != nil {
		h.met(m)
		return err
	}
	h.members[c.Name] = m
	return nil
}

func (h *Handler) settings(kind probes.Kind, name string) probes.Check {
	c := probes.Check{
		Name: name, Kind: kind, Interval: h.config.Interval, Timeout: h.config.Timeout, MaxAge: h.config.MaxAge,
		FailAfter: h.config.FailAfter, PassAfter: h.config.PassAfter,
	}
	if kind == probes.Readiness {
		c.Scope = h.config.Scope
		if c.Scope == 0 {
			c.Scope = probes.Local
		}
	}
	return c
}

// meet has /ready wait for the first run, however that ends: a liveness check that
// has not been run must not have this instance restarted, so for the set it passes,
// but it is no reason to be ready. Most of all it shows that nobody calls Run.
func (h *Handler) meet(m *member, run func(context.Context) error) func(context.Context) error {
	m.unrun.Store(true)
	h.unrun.Add(1)
	return func(ctx context.Context) error {
		defer h.met(m)
		return run(ctx)
	}
}

func (h *Handler) met(m *member) {
	if m.unrun.CompareAndSwap(true, false) {
		h.unrun.Add(-1)
	}
}
