package flags

import (
	"context"

	"github.com/handover-go/handover/flags/internal/definition"
)

// Lookup evaluates a flag by its key, declared or not: for adapters, and for people who
// ask why. The value is as encoding/json decodes into any, and nil if it is the default,
// which only the caller knows. In a context that this client has pinned, the set is the
// pinned one.
//
// Code that reads a flag declares it: that is faster, typed, and seen.
func (c *Client) Lookup(ctx context.Context, key string, s Subject) Detail[any] {
	p := pinOf(c.Pin(ctx, s))
	a := answer{pin: p, out: definition.Outcome{Variant: -1}}
	e := p.view.all[key]
	if e != nil {
		a.evaluate(e, -1)
	} else {
		a.reason, a.code = ReasonError, p.view.missing()
	}
	d := Detail[any]{Evaluation: a.evaluation()}
	if a.out.Variant >= 0 {
		d.Value = e.values.values.([]any)[a.out.Variant]
	}
	return d
}

// Metadata is that of the set and of the flag, the flag's winning. It is shared: do
// not write to it.
func (c *Client) Metadata(key string) map[string]any {
	if e := c.view.Load().all[key]; e != nil {
		return e.flag.Metadata
	}
	return nil
}
