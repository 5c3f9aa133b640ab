package flags

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/handover-go/handover/flags/internal/definition"
)

// versionOf is a name for a document that has none.
func versionOf(d Document) string {
	if d.Revision > 0 {
		return strconv.FormatInt(d.Revision, 10)
	}
	sum := sha256.Sum256(d.JSON)
	return hex.EncodeToString(sum[:6])
}

// publish makes a view of the sets in force. c.mu is held.
func (c *Client) publish() {
	v := &view{all: map[string]*entry{}, confirmed: c.store.confirmed}
	for _, f := range []*feed{&c.store, &c.override} {
		if f.set == nil {
			continue
		}
		if v.version != "" {
			v.version += "+"
		}
		v.version += f.set.Version
		for key, flag := range f.set.Flags {
			v.all[key] = &entry{key: key, flag: flag, version: f.set.Version}
		}
	}
	if c.store.set == nil {
		v.confirmed = c.override.confirmed
	}
	for key, e := range v.all {
		s := c.switchOf(key)
		s.byStore(e.flag.Disabled)
		e.kill = s
		e.values = decodeAny(e.flag)
		e.ledger = c.ledgerOf(key)
		e.counts = e.ledger.open(e.flag.Variants)
	}
	v.entries = make([]entry, len(c.handles))
	for i, d := range c.handles {
		v.entries[i] = c.entryOf(d, v)
	}
	c.forget(v)
	c.view.Store(v)
	c.announce()
}

// entryOf is a declared flag in a view.
func (c *Client) entryOf(d *declaration, v *view) entry {
	if known := v.all[d.key]; known != nil {
		return d.sees(*known)
	}
	e := entry{key: d.key, code: v.missing(), version: v.version, ledger: c.ledgerOf(d.key), kill: c.switchOf(d.key)}
	e.counts = e.ledger.open(nil)
	return e
}

// sees is a flag of a set as its declaration sees it.
func (d *declaration) sees(e entry) entry {
	if e.flag.Kind != d.kind {
		e.flag, e.code = nil, definition.TypeMismatch
		return e
	}
	e.values = d.decode(e.flag.Variants)
	e.values.opens = make([]bool, len(e.flag.Variants))
	for i, variant := range e.flag.Variants {
		e.values.opens[i] = !d.safe(variant)
	}
	return e
}

// announce tells those who follow that something has changed. c.mu is held.
func (c *Client) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// decodeAny are the values of a flag for those who have not declared it.
func decodeAny(f *definition.Flag) decoded {
	values, wrong := make([]any, len(f.Variants)), []bool(nil)
	for i, v := range f.Variants {
		if err := json.Unmarshal(v.JSON, &values[i]); err != nil {
			wrong = make([]bool, len(f.Variants)) // none is served
			for i := range wrong {
				wrong[i] = true
			}
		}
	}
	return decoded{values: values, wrong: wrong}
}
