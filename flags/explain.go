package flags

import (
	"time"

	"github.com/handover-go/handover/flags/internal/definition"
	"github.com/handover-go/handover/flags/internal/logic"
)

// Explain is Lookup for people who ask why: what the program would get now, which is
// not always what the definition says. A declared flag is seen with its declaration, so
// that a variant of another type is the error that the program sees. Nothing is counted,
// and nobody is told of an exposure.
func (c *Client) Explain(key string, s Subject) Detail[any] {
	v, now := c.view.Load(), time.Now()
	a := answer{
		pin: &pin{client: c, view: v, age: v.age(now), scope: logic.Scope{Key: s.Key, Attributes: s.Attributes, Now: now.Unix()}},
		out: definition.Outcome{Variant: -1},
	}
	e := v.all[key]
	for i, d := range c.handles {
		if d.key == key {
			e = &v.entries[i]
		}
	}
	if e != nil {
		a.decide(e)
	} else {
		a.reason, a.code = ReasonError, v.missing()
	}
	d := Detail[any]{Evaluation: a.evaluation()}
	if a.out.Variant >= 0 {
		d.Value = v.all[key].values.values.([]any)[a.out.Variant]
	}
	return d
}
