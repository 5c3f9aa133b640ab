package flags

import (
	"context"
	"encoding/json"

	"github.com/handover-go/handover/flags/internal/definition"
)

// Lookup evaluates a flag by its key, declared or not: for adapters, and for people who
// ask why. The value is as encoding/json decodes into any, and nil if it is the default,
// which only the caller knows. In a context that this client has pinned, the set is the
// pinned one. An object is shared: do not write to it.
//
// Code that reads a flag declares it: that is faster, typed, and seen.
func (c *Client) Lookup(ctx context.Context, key string, s Subject) Detail[any] {
	p := pinOf(c.Pin(ctx, s))
	out := definition.Instead(definition.Error, p.view.missing(), "")
	e := p.view.all[key]
	if value, ok := p.givenTo(key); ok && (e == nil || !e.killed()) {
		return Detail[any]{Value: value, Evaluation: Evaluation{Reason: ReasonForced, Version: p.view.version, Age: p.age}}
	}
	if e != nil {
		out = p.evaluate(e, -1)
	}
	return lookedUp(e, e, p, out)
}

// lookedUp is the answer e gave, with the value that who has not declared the flag sees.
func lookedUp(e, seen *entry, p *pin, out definition.Outcome) (d Detail[any]) {
	d.describe(p, e, out)
	if out.Variant >= 0 {
		d.Value = seen.values.values.([]any)[out.Variant]
	}
	return d
}

// Extension is a member of the flag's definition in force that is not the format's, as
// JSON without spaces: "x-guard". It is nil if there is none.
func (c *Client) Extension(key, name string) json.RawMessage {
	if e := c.view.Load().all[key]; e != nil {
		return e.flag.Extension(name)
	}
	return nil
}

// Metadata is that of the set and of the flag, the flag's winning. It is shared: do
// not write to it.
func (c *Client) Metadata(key string) map[string]any {
	if e := c.view.Load().all[key]; e != nil {
		return e.flag.Metadata
	}
	return nil
}
