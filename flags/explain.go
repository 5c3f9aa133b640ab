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
	p := &pin{client: c, view: v, age: v.age(now), scope: logic.Scope{Key: s.Key, Attributes: s.Attributes, Now: now.Unix()}}
	e := v.all[key]
	for i, d := range c.handles {
		if d.key == key {
			e = &v.entries[i]
		}
	}
	out := definition.Instead(definition.Error, v.missing(), "")
	if e != nil {
		out = e.decide(p)
	}
	return lookedUp(e, v.all[key], p, out)
}
