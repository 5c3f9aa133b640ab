package heptioprobes

import (
	"errors"
	"slices"

	"github.com/handover-go/handover/probes"
)

// refusal is a check that could not be added. In its place there is a gate that
// nobody opens.
type refusal struct {
	name string
	err  error
	gate *probes.Gate
}

// Err is every check that could not be added, and why; nil if all could. The methods
// that add have no result for it. The set's log has had a record of each, and until
// the program is mended it is not ready, /readyz of the set neither: a check that is
// not made is not passed. Give it to the program's start:
//
//	lifecycle.Component{Name: "health", Start: func(context.Context) error { return health.Err() }}
func (h *Handler) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, r := range h.refusals {
		errs = append(errs, r.err)
	}
	return errors.Join(errs...)
}

// refuse keeps an error. Whoever adds the same again and again fills no memory.
func (h *Handler) refuse(name string, err error) {
	h.mu.Lock()
	i := slices.IndexFunc(h.refusals, func(r *refusal) bool { return r.name == name })
	if i < 0 {
		i = len(h.refusals)
		h.refusals = append(h.refusals, &refusal{name: name, gate: h.bar(name)})
	}
	r := h.refusals[i]
	r.err = err
	h.mu.Unlock()
	r.gate.Fail(&probes.ReasonError{Reason: "refused", Err: err}) // logs
}

// bar puts up a gate. Somebody else may have taken its name after we looked, so it
// looks again.
func (h *Handler) bar(name string) *probes.Gate {
	for {
		checks := h.set.Report().Checks
		called := plain(name, checks)
		gate, err := h.set.Gate(called, probes.Readiness)
		if err != nil {
			continue
		}
		if !h.taken(name, checks) {
			h.members[called] = &member{shown: name}
		}
		return gate
	}
}
