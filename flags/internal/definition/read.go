package definition

import (
	"fmt"

	"github.com/handover-go/handover/flags/internal/tree"
)

// compile reads a flag, all but what it has to do with others.
func (p place) compile() {
	if p.flag.Key == "" {
		p.wrong("is a flag without a key", "a name")
	}
	if !p.is(tree.Object) {
		p.broken(p.kind(), `an object: {"state": …, "variants": …}`)
		return
	}
	p.known("state", "variants", "defaultVariant", "targeting", "metadata", "x-prerequisites")
	p.member("state").state()
	p.member("variants").variants()
	p.member("defaultVariant").defaultVariant()
	p.member("metadata").ofFlag() // before targeting, which the seed is for
	p.member("targeting").targeting()
}

func (p place) state() {
	const instead = `"ENABLED" or "DISABLED"`
	switch {
	case p.node == nil:
		p.wrong(p.kind(), instead)
	case !p.is(tree.String):
		p.broken(p.kind(), instead)
	case p.node.Text == "DISABLED":
		p.flag.Disabled = true
	case p.node.Text != "ENABLED":
		p.wrong(tree.Quote(p.node.Text)+" is no state", instead)
	}
}

func (p place) variants() {
	const instead = `an object with one at least: {"on": true, "off": false}`
	if !p.is(tree.Object) {
		p.broken(p.kind(), instead)
		return
	}
	members := p.node.Members
	if !p.admit(len(members), instead) {
		return
	}
	f := p.flag
	first, mixed := kindOf(members[0].Value), false
	f.Variants, f.whole = make([]Variant, len(members)), true
	for i, member := range members {
		f.Variants[i] = Variant{member.Name, member.Value.JSON()}
		f.whole = f.whole && whole(member.Value)
		mixed = mixed || kindOf(member.Value) != first
		if mixed || first == 0 || member.Name == "" {
			p.inner(tree.Join(p.path, member.Name), member.Value).odd(member.Name, members[0])
		}
	}
	if !mixed {
		f.Kind = first
	}
	f.index()
}

// admit counts variants, and says that they are none, or too many.
func (p place) admit(variants int, instead string) bool {
	p.variety += variants
	switch {
	case variants == 0:
		p.broken("has no variant", instead)
		return false
	case variants > maxVariants:
		p.broken(fmt.Sprintf("has %d variants", variants), fmt.Sprintf("at most %d", maxVariants))
		return false
	case p.variety > maxVariety:
		p.broken("are more than a set may have", fmt.Sprintf("at most %d in all flags", maxVariety))
		return false
	}
	return true
}

// odd is what a variant is wrong with.
func (p place) odd(name string, first tree.Member) {
	if name == "" {
		p.wrong("is a variant without a name", "a name")
	}
	kind, expected := kindOf(p.node), kindOf(first.Value)
	switch {
	case kind == 0:
		p.wrong(p.kind(), "a boolean, a string, a number or an object")
	case expected != 0 && kind != expected:
		p.wrong(fmt.Sprintf("%s, but %s is %s", p.kind(), tree.Quote(first.Name), first.Value.Kind), "variants of one type")
	}
}

func kindOf(n *tree.Node) Kind {
	switch n.Kind {
	case tree.Bool:
		return Bool
	case tree.String:
		return String
	case tree.Number:
		return Number
	case tree.Object:
		return Object
	default:
		return 0
	}
}

func whole(n *tree.Node) bool {
	return n.Kind == tree.Number && -1<<63 <= n.Number && n.Number < 1<<63 && n.Number == float64(int64(n.Number))
}

func (p place) defaultVariant() {
	f := p.flag
	switch {
	case p.node == nil, p.is(tree.Null):
	case !p.is(tree.String):
		p.broken(p.kind(), p.meant("", f.names())+"; or null, for the caller's default")
	case p.node.Text == "" && f.variant("") < 0: // flagd takes it for null
		p.wrong("is empty", p.meant("", f.names())+"; or null, for the caller's default")
	case f.Variants != nil:
		f.Default = f.variant(p.node.Text)
		if f.Default < 0 {
			p.broken("names no variant "+tree.Quote(p.node.Text), p.meant(p.node.Text, f.names()))
		}
	}
}
