package definition

import (
	"math"
	"slices"
	"strings"

	"github.com/handover-go/handover/flags/internal/tree"
)

// prerequisite is another flag of the set, and what it has to give.
type prerequisite struct {
	flag    *Flag
	variant int // -2, which no flag gives, if the other flag is broken
	rule    string
}

// maxLooks is how many flags one evaluation may look at. It bounds how deep and how
// wide prerequisites are: three on each of three on each of … are soon a million.
const maxLooks = 100

// link finds the flags that x-prerequisites name.
func (p place) link() {
	const instead = `an array: [{"flag": "other", "variant": "on"}]`
	switch {
	case p.node == nil:
		return
	case !p.is(tree.Array):
		p.broken(p.kind(), instead)
		return
	case len(p.node.Items) > maxLooks:
		p.broken("has too many of them", "at most 100")
		return
	}
	all := make([]prerequisite, 0, len(p.node.Items))
	for i := range p.node.Items {
		if one, ok := p.item(i).prerequisite(); ok {
			one.rule = tree.Index("x-prerequisites", i)
			all = append(all, one)
		}
	}
	if len(all) == len(p.node.Items) { // otherwise the flag is broken, and has none
		p.flag.prerequisites = all
	}
}

func (p place) prerequisite() (prerequisite, bool) {
	const instead = `an object: {"flag": "other", "variant": "on"}`
	if !p.is(tree.Object) {
		p.broken(p.kind(), instead)
		return prerequisite{}, false
	}
	p.known("flag", "variant")
	key, variant := p.member("flag"), p.member("variant")
	for _, at := range []place{key, variant} {
		if !at.is(tree.String) {
			at.broken(at.kind(), "a name")
		}
	}
	if !key.is(tree.String) || !variant.is(tree.String) {
		return prerequisite{}, false
	}
	other := p.set.Flags[key.node.Text]
	switch {
	case other == nil:
		key.broken("names no flag "+tree.Quote(key.node.Text), p.meant(key.node.Text, p.keys()))
		return prerequisite{}, false
	case other.Variants == nil:
		return prerequisite{flag: other, variant: -2}, true
	}
	found := prerequisite{flag: other, variant: other.variant(variant.node.Text)}
	if found.variant < 0 {
		variant.broken("names no variant "+tree.Quote(variant.node.Text)+" of flag "+tree.Quote(other.Key),
			p.meant(variant.node.Text, other.names()))
		return prerequisite{}, false
	}
	return found, true
}

func (c *compiler) keys() []string {
	all := make([]string, len(c.order))
	for i, f := range c.order {
		all[i] = f.Key
	}
	return all
}

// follow looks for circles, and for what takes too long. What it finds is broken, and
// so has no prerequisites of its own: an evaluation always ends.
func (c *compiler) follow() {
	w := walk{compiler: c, looks: map[*Flag]int{}, open: map[*Flag]int{}}
	for _, f := range c.order {
		if len(f.prerequisites) > 0 {
			w.from(f)
		}
	}
}

// walk goes from a flag to its prerequisites, and visits each flag once.
type walk struct {
	*compiler
	looks map[*Flag]int // of those that are done
	stack []*Flag
	open  map[*Flag]int // where they are on the stack
}

const nowhere = math.MaxInt

// from is how many flags an evaluation of f looks at, and how far down the stack one
// comes from it: whoever is between there and the top is part of a circle.
func (w *walk) from(f *Flag) (looks, back int) {
	if looks, done := w.looks[f]; done {
		return looks, nowhere
	}
	here := len(w.stack)
	w.stack, w.open[f] = append(w.stack, f), here
	looks, back = 1, nowhere
	for i, p := range f.prerequisites {
		if at, open := w.open[p.flag]; open {
			w.circle(f, i, at)
			back = min(back, at)
			continue
		}
		more, down := w.from(p.flag)
		looks, back = looks+more, min(back, down)
	}
	w.stack = w.stack[:here]
	delete(w.open, f)
	switch {
	case back <= here:
		f.Broken = true
	case looks > maxLooks:
		w.at(f).member("x-prerequisites").broken("lead to more than 100 flags", "fewer")
	}
	if f.Broken {
		f.prerequisites, looks = nil, 1
	}
	w.looks[f] = looks
	if back >= here {
		back = nowhere
	}
	return looks, back
}

// circle is told once, where it closes.
func (w *walk) circle(f *Flag, i, at int) {
	const enough = 10
	var names []string
	for _, f := range slices.Concat(w.stack[at:], w.stack[at:at+1]) {
		names = append(names, tree.Quote(f.Key))
	}
	if len(names) > enough {
		names = slices.Concat(names[:enough-2], []string{"…"}, names[len(names)-2:])
	}
	w.at(f).member("x-prerequisites").item(i).
		broken("closes a circle: "+strings.Join(names, " -> "), "prerequisites that end")
}
