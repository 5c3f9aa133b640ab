package definition

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/handover-go/handover/flags/internal/tree"
)

// compiler is what is known while a document is read.
type compiler struct {
	lenient bool
	set     *Set
	nodes   map[string]*tree.Node // the evaluators, as package logic wants them
	order   []*Flag

	mistakes []tree.Mistake
	dropped  bool // there are more than are told
	told     map[spot]bool

	sizes map[string]int // of the evaluators, with what they refer to
	size  int            // of all targeting so far

	variety int // variants of all flags so far
}

// spot is what makes a mistake of the targeting the same one: an evaluator is compiled
// into each flag that refers to it, and its mistakes are told once.
type spot struct {
	line, column int
	problem      string
}

func (c *compiler) full() bool { return len(c.mistakes) >= tree.MaxMistakes }

// terse reports whether there are so many mistakes that looking for what was meant
// takes longer than it is worth.
func (c *compiler) terse() bool { return len(c.mistakes) >= tree.MaxMistakes/10 }

func (c *compiler) add(m tree.Mistake) {
	if c.full() {
		c.dropped = true
		return
	}
	c.mistakes = append(c.mistakes, m)
}

func (c *compiler) addOnce(mistakes []tree.Mistake) {
	for _, m := range mistakes {
		if at := (spot{m.Line, m.Column, m.Problem}); !c.told[at] {
			c.add(m)
			if !c.full() {
				c.told[at] = true
			}
		}
	}
}

func (c *compiler) report() []tree.Mistake {
	slices.SortStableFunc(c.mistakes, func(a, b tree.Mistake) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column)
	})
	if c.dropped {
		c.mistakes[len(c.mistakes)-1] = tree.Mistake{Problem: "there are more mistakes"}
	}
	return c.mistakes
}

// What a set may have is far beyond what people have, and keeps what is kept per flag and
// per variant in bounds: a document of 16 MiB that was nothing but variants took 1.2 GB.
const (
	maxFlags    = 20_000
	maxVariety  = 200_000 // variants of all flags
	maxVariants = 1000    // of one flag
)

// document reports whether there are flags to read in it.
func (c *compiler) document(root *tree.Node) bool {
	const instead = `an object: {"key": {"state": …, "variants": …}}`
	p := place{compiler: c}.inner("", root)
	if !p.is(tree.Object) {
		p.wrong(p.kind(), `an object: {"flags": {…}}`)
		return false
	}
	p.known("$schema", "flags", "$evaluators", "metadata")
	p.member("metadata").ofSet()
	p.member("$evaluators").evaluators()
	flags := p.member("flags")
	if flags.is(tree.Array) && isDaemons(root) {
		flags.node = flags.keyed()
	}
	switch {
	case flags.is(tree.Array):
		flags.wrong("is an array, which is flagd.json's and not flags.json's", instead)
		return false
	case !flags.is(tree.Object):
		flags.wrong(flags.kind(), instead)
		return false
	case len(flags.node.Members) > maxFlags:
		flags.wrong(fmt.Sprintf("has %d flags", len(flags.node.Members)), fmt.Sprintf("at most %d", maxFlags))
		return false
	case len(flags.node.Members) == 0:
		flags.wrong("is an empty set, with which every caller falls to its default", "one flag at least")
	}
	c.flags(flags.node.Members)
	return true
}

func (c *compiler) flags(members []tree.Member) {
	for _, member := range members {
		f := &Flag{Key: member.Name, Default: -1, Metadata: c.set.Metadata, set: c.set, source: member.Value}
		c.at(f).compile()
		c.set.Flags[f.Key] = f
		c.order = append(c.order, f)
		if c.full() && !c.lenient {
			return // it will not become a set
		}
	}
	for _, f := range c.order {
		c.at(f).member("x-prerequisites").link()
	}
	c.follow()
}

// at is the place of a flag.
func (c *compiler) at(f *Flag) place {
	return place{compiler: c, flag: f}.inner(tree.Join("flags", f.Key), f.source)
}
