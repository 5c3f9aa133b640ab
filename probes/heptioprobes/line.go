package heptioprobes

import (
	"github.com/heptiolabs/healthcheck"

	"github.com/handover-go/handover/probes"
)

// whole is the name under which /ready says what holds for the whole. No check of
// the set can be called so.
const whole = "(readiness)"

// line is one check as the original sees it.
type line struct {
	name string
	err  error
}

// lines is all that counts at an endpoint. At /ready liveness does, too.
func (h *Handler) lines(kind probes.Kind) []line {
	report := h.set.Report()
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines []line
	for _, e := range report.Endpoints {
		if e.Kind == kind && e.Reason != "" {
			lines = append(lines, line{whole, &reasonError{reason: e.Reason}})
		}
	}
	for _, c := range report.Checks {
		if c.Kind == kind || c.Kind == probes.Liveness {
			lines = append(lines, h.line(kind, c))
		}
	}
	return lines
}

func (h *Handler) line(kind probes.Kind, c probes.CheckReport) line {
	err, m := verdict(c, h.config.ErrorText), h.members[c.Name]
	if err == nil && kind == probes.Readiness && m != nil && m.unrun.Load() {
		err = healthcheck.ErrNoData
	}
	return line{h.shown(c.Name), err}
}

// verdict is what a check counts for, as the original wants it said.
func verdict(c probes.CheckReport, text bool) error {
	switch {
	case c.Status != probes.Fail:
		return nil
	case c.Reason == "pending":
		return healthcheck.ErrNoData
	case c.Reason == "stale":
		return &reasonError{reason: c.Reason} // what the last run said is not why
	case text && c.Err != nil && c.Reason != "panic": // whose text is a stack
		return c.Err
	}
	return &reasonError{c.Reason, c.Err}
}

// reasonError shows the code that is public; errors.Is finds the cause.
type reasonError struct {
	reason string
	cause  error
}

func (e *reasonError) Error() string { return e.reason }
func (e *reasonError) Unwrap() error { return e.cause }
