package flags

import (
	"context"
	"maps"

	"github.com/handover-go/handover/flags/internal/definition"
)

// Freeze lets nothing new into force from now on, but for what only takes away: a flag
// that becomes disabled, a rollout that becomes smaller. A process that drains serves its
// last requests as it served those before. It is a component's Stop, of the last place
// in the list, and may be called at any time.
func (c *Client) Freeze(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.frozen {
		c.frozen = true
		c.logger().Info("flags: frozen", "version", c.view.Load().version)
		c.announce()
	}
	return nil
}

// narrowed is a feed's set before, which may be none, but for those flags of the next one
// that give nobody anything but what they had, of whichever feed, or what is safe. c.mu is
// held.
func (c *Client) narrowed(before, next *definition.Set) *definition.Set {
	set := *next
	set.Flags = map[string]*definition.Flag{}
	if before != nil {
		set = *before
		set.Flags = maps.Clone(before.Flags)
	}
	for key, is := range next.Flags {
		was := set.Flags[key]
		if e := c.view.Load().all[key]; was == nil && e != nil {
			was = e.flag
		}
		names := map[string]bool{}
		for _, v := range is.Variants {
			names[v.Name] = c.safe(key, v)
		}
		if definition.Narrower(was, is, func(variant string) bool { return names[variant] }) {
			set.Flags[key] = is
		}
	}
	return &set
}

// safe reports whether a variant of a flag has the value that it is declared to be
// safe with. c.mu is held.
func (c *Client) safe(key string, v definition.Variant) bool {
	d := c.declaration(key)
	return d != nil && d.safe(v)
}
