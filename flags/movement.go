package flags

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/handover-go/handover/flags/internal/definition"
	"github.com/handover-go/handover/flags/internal/logic"
)

// few is how many subjects are too few to tell a share by.
const few = 20

// held is a document that was held, and of how many subjects that was found.
type held struct {
	doc Document
	set *definition.Set // that was in force
	of  int
	err error
}

// hold says why a document does not come into force that would move too many. What it
// only takes away is taken all the same.
func (c *Client) hold(f *feed, doc Document, next *definition.Set) error {
	c.mu.Lock()
	before, override, from := f.set, c.override.set, f.origin
	c.mu.Unlock()
	if c.crowd == nil || f != &c.store || before == nil || from == OriginBootstrap {
		return nil
	}
	subjects := c.crowd.recent(time.Now())
	if h := f.held; h.set == before && h.doc.Revision == doc.Revision && bytes.Equal(h.doc.JSON, doc.JSON) && len(subjects) < 2*h.of {
		return h.err // not let in by the luck of one draw in many; twice as many would know better
	}
	f.held = held{}
	moves := c.moves(before, override, next, subjects)
	if len(moves) == 0 {
		return nil
	}
	err := fmt.Errorf("refused: it moves %s, and at most %s is allowed: %w", strings.Join(moves, ", "), percent(c.cfg.MaxMovement), ErrMoves)
	doc.JSON = bytes.Clone(doc.JSON)
	f.held = held{doc: doc, set: c.lessen(f, next), of: len(subjects), err: err}
	return err
}

// moves are the flags for which a set moves too many of these subjects, in words. A flag
// counts if the program declares it, both sets have it, and no override stands before it.
func (c *Client) moves(before, override, next *definition.Set, subjects []Subject) (moves []string) {
	if len(subjects) < few {
		return nil
	}
	for _, key := range next.Changed(before) {
		was, is, d := before.Flags[key], next.Flags[key], c.declaration(key)
		if was == nil || is == nil || d == nil || override != nil && override.Flags[key] != nil {
			continue
		}
		share := float64(d.moved(was, is, subjects)) / float64(len(subjects))
		if share <= c.cfg.MaxMovement {
			continue
		}
		of := "those of "
		if len(moves) == 0 {
			of = "the recent subjects of "
		}
		moves = append(moves, percent(share)+" of "+of+key)
	}
	return moves
}

// moved is how many of these subjects get another value, which is not the default. A flag
// that is killed is judged by its definition: the kill may be taken back.
func (d *declaration) moved(was, is *definition.Flag, subjects []Subject) (n int) {
	before, after := d.sees(entry{flag: was.Unkilled()}), d.sees(entry{flag: is})
	now := time.Now().Unix()
	for _, s := range subjects {
		p := &pin{scope: logic.Scope{Key: s.Key, Attributes: s.Attributes, Now: now}}
		if value := after.given(p); value != nil && !bytes.Equal(value, before.given(p)) {
			n++
		}
	}
	return n
}

// given is the value that a subject gets; nil if it is the default's.
func (e *entry) given(p *pin) json.RawMessage {
	out := e.decide(p)
	if out.Variant < 0 || !e.values.opens[out.Variant] {
		return nil
	}
	return e.flag.Variants[out.Variant].JSON
}

// percent is a share for people: 34 %.
func percent(share float64) string { return strconv.FormatFloat(100*share, 'g', 3, 64) + " %" }
