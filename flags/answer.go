package flags

import (
	"context"

	"github.com/handover-go/handover/flags/internal/definition"
)

// answer is an evaluation before it is put into words.
type answer struct {
	pin    *pin
	entry  *entry // nil if there was none
	out    definition.Outcome
	reason Reason // if it is none of the outcome's
	code   Code
	forced any // by With
}

// ask evaluates the flag for what is pinned to ctx. a is filled in where it is: an
// answer is too large to be handed about for nothing.
func (a *answer) ask(ctx context.Context, d *declaration) {
	a.pin, a.out.Variant = pinOf(ctx), -1
	if d == nil {
		a.reason, a.code = ReasonError, CodeFlagNotFound
		return
	}
	if a.pin == nil {
		d.unpinned.Add(1)
		a.reason = ReasonUnpinned
		return
	}
	p := a.pin
	i, known := p.index(d)
	for !known && p.outer != nil {
		p = p.outer
		i, known = p.index(d)
	}
	if len(a.pin.forced) > 0 && a.force(d, p, i, known) {
		return
	}
	switch {
	case known:
		a.pin = p
		a.evaluate(&p.view.entries[i], i)
	case p.client == nil:
		d.unpinned.Add(1)
		a.reason = ReasonUnpinned
	default:
		a.reason, a.code = ReasonError, CodeFlagNotFound
	}
}

// index is the flag's place with the client of the pin.
func (p *pin) index(d *declaration) (int, bool) {
	if p.client == nil {
		return 0, false
	}
	i, ok := p.client.places[d]
	return i, ok
}

// evaluate decides, and counts. place is -1 for a flag that was not declared, of whose
// exposure nobody is told.
func (a *answer) evaluate(e *entry, place int) {
	a.decide(e)
	if e.flag == nil {
		e.counts.Add(-1, int(ReasonError))
		return
	}
	e.counts.Add(a.out.Variant, int(reasonOf(a.out.Reason)))
	if a.out.Skipped {
		e.ledger.skipped.Add(1)
	}
	if a.pin.shown != nil && a.out.Reason == definition.Split && place >= 0 {
		a.pin.shown.tell(a, place)
	}
}

// decide asks the definition.
func (a *answer) decide(e *entry) {
	a.entry = e
	if e.flag == nil {
		a.reason, a.code = ReasonError, e.code
		return
	}
	a.out = e.flag.Evaluate(&a.pin.scope)
	if a.out.Variant >= 0 && e.values.wrong != nil && e.values.wrong[a.out.Variant] {
		a.out = definition.Outcome{Variant: -1, Reason: definition.Error, Code: definition.TypeMismatch, Rule: a.out.Rule}
	}
}

// force looks whether With has given the flag a value.
func (a *answer) force(d *declaration, p *pin, i int, known bool) bool {
	for _, f := range a.pin.forced {
		if f.decl != d {
			continue
		}
		if known && p.view.entries[i].killed() {
			return false
		}
		a.forced, a.reason = f.value, ReasonForced
		return true
	}
	return false
}

// evaluation puts the answer into words.
func (a *answer) evaluation() Evaluation {
	e := Evaluation{Reason: a.reason, Code: a.code, Rule: a.out.Rule, NoKey: a.out.Skipped}
	if a.reason == 0 {
		e.Reason, e.Code = reasonOf(a.out.Reason), codeOf(a.out.Code)
	}
	if a.out.Variant >= 0 {
		e.Variant = a.entry.flag.Variants[a.out.Variant].Name
	}
	if a.pin != nil && a.pin.view != nil {
		e.Version, e.Age = a.pin.view.version, a.pin.age
	}
	if a.entry != nil {
		e.Version = a.entry.version
	}
	return e
}
