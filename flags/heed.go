package flags

import (
	"maps"

	"github.com/handover-go/handover/flags/internal/definition"
)

// heed kills what a document that was refused has disabled. One wrong definition must not
// keep the kills of all others from coming through; what else the document says stays
// out.
func (c *Client) heed(f *feed, doc Document) {
	offered, _ := definition.Compile(doc.JSON, true)
	if offered == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.set == nil {
		return
	}
	set := *f.set
	set.Flags = maps.Clone(f.set.Flags)
	killed := 0
	for key, was := range f.set.Flags {
		if is := offered.Flags[key]; is != nil && is.Disabled && !was.Disabled {
			set.Flags[key] = is
			killed++
			c.logger().Warn("flags: killed by a document that is refused", "from", f.name, "flag", key)
		}
	}
	if killed > 0 {
		c.arm(&set)
		f.set, f.doc.JSON = &set, nil // of no document: the next right one is compiled
		c.publish()
	}
}

// lessen puts into force what of a document that is held only takes away, and returns
// the set that is in force then.
func (c *Client) lessen(f *feed, next *definition.Set) *definition.Set {
	c.mu.Lock()
	defer c.mu.Unlock()
	set := c.narrowed(f.set, next)
	if keys := set.Changed(f.set); len(keys) > 0 {
		c.logger().Warn("flags: taken from a document that is held, as it only takes away", "from", f.name, "flags", keys)
		c.arm(next) // what is taken may have prerequisites in it
		f.set, f.doc.JSON = set, nil
		c.publish()
	}
	return f.set
}

// lift takes an override away that is no longer there, but for a process that is frozen.
func (c *Client) lift(f *feed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.set == nil || c.frozen {
		return
	}
	c.logger().Info("flags: no longer in force", "from", f.name, "version", f.set.Version)
	f.set, f.doc, f.origin, f.confirmed = nil, Document{}, OriginNone, nil
	c.publish()
}
