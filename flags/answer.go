package flags

import (
	"context"

	"github.com/handover-go/handover/flags/internal/definition"
)

// What a definition cannot say of itself. They go the way of its own reasons and codes,
// so that an answer is handed on in registers.
const (
	unpinned definition.Reason = 100 + iota
	forcedBy
)

const notReady definition.Code = 100

// ask evaluates the flag for what is pinned to ctx. p is the pin that has decided, e what
// it has of the flag; both are nil where there is none.
func (d *declaration) ask(ctx context.Context) (p *pin, e *entry, out definition.Outcome) {
	p = pinOf(ctx)
	if d == nil || p == nil {
		return p, nil, d.unasked(p)
	}
	i, known := p.index(d)
	if !known || len(p.forced) > 0 {
		return d.askOthers(p)
	}
	e = &p.view.entries[i]
	return p, e, p.evaluate(e, i)
}

// unasked is what comes of a flag that is none, or that is asked where nothing is
// pinned.
func (d *declaration) unasked(p *pin) definition.Outcome {
	if d == nil {
		return definition.Instead(definition.Error, definition.FlagNotFound, "")
	}
	if p == nil || p.client == nil {
		d.unpinned.Add(1)
		return definition.Instead(unpinned, 0, "")
	}
	d.unpinned.Add(1) // by its own client, if it has one
	return definition.Instead(definition.Error, definition.FlagNotFound, "")
}

// askOthers looks at what With has given, and at the pins of other clients.
func (d *declaration) askOthers(inner *pin) (p *pin, e *entry, out definition.Outcome) {
	p = inner
	i, known := p.index(d)
	for !known && p.outer != nil {
		p = p.outer
		i, known = p.index(d)
	}
	if _, ok := inner.given(d); ok && (!known || !p.view.entries[i].killed()) {
		return inner, nil, definition.Instead(forcedBy, 0, "")
	}
	if !known {
		return p, nil, d.unasked(p)
	}
	e = &p.view.entries[i]
	return p, e, p.evaluate(e, i)
}

// index is the flag's place with the client of the pin.
func (p *pin) index(d *declaration) (int, bool) {
	if p.client == nil {
		return 0, false
	}
	if i := int(d.place.Load()); i < len(p.client.handles) && p.client.handles[i] == d {
		return i, true
	}
	i, ok := p.client.places[d]
	return i, ok
}

// given is the value that With has given the flag.
func (p *pin) given(d *declaration) (any, bool) {
	for _, f := range p.forced {
		if f.decl == d {
			return f.value, true
		}
	}
	return nil, false
}

// givenTo is given, for who only knows the key.
func (p *pin) givenTo(key string) (any, bool) {
	for _, f := range p.forced {
		if f.decl.key == key {
			return f.value, true
		}
	}
	return nil, false
}

// evaluate decides, and counts. place is -1 for a flag that was not declared, of whose
// exposure nobody is told.
func (p *pin) evaluate(e *entry, place int) definition.Outcome {
	out := e.decide(p)
	e.counts.Add(out.Variant, column(out.Variant, out.Reason))
	if out.Skipped {
		e.ledger.skipped.Add(1)
	}
	if p.shown != nil && out.Reason == definition.Split && place >= 0 {
		p.shown.tell(p, e, out.Variant, place)
	}
	return out
}

// decide asks the definition.
func (e *entry) decide(p *pin) definition.Outcome {
	if e.flag == nil {
		return definition.Instead(definition.Error, e.code, "")
	}
	out := e.flag.Evaluate(&p.scope)
	if e.values.wrong != nil && out.Variant >= 0 && e.values.wrong[out.Variant] {
		return definition.Instead(definition.Error, definition.TypeMismatch, out.Rule)
	}
	if out.Skipped && out.Variant >= 0 && e.values.opens != nil && e.values.opens[out.Variant] {
		return definition.Outcome{Variant: -1, Rule: out.Rule, Why: definition.Why{Reason: definition.Default, Skipped: true}}
	}
	return out
}

// describe puts an answer into words.
func (said *Evaluation) describe(p *pin, e *entry, out definition.Outcome) {
	said.Reason, said.Code, said.Rule, said.NoKey = reasonOf(out.Reason), codeOf(out.Code), out.Rule, out.Skipped
	if p != nil && p.view != nil {
		said.Version, said.Age = p.view.version, p.age
	}
	if e != nil {
		said.Version = e.version
		if out.Variant >= 0 {
			said.Variant = e.flag.Variants[out.Variant].Name
		}
	}
}
