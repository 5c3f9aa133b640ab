package definition

import (
	"bytes"

	"github.com/handover-go/handover/flags/internal/tree"
)

// Narrower reports whether a flag's new version gives no subject anything that the old
// one did not already give it at the same moment, but for variants that are safe and
// for the caller's default, which always is. A client that has frozen adopts nothing
// else; a nil Flag is one that is not there.
//
// It knows these: a flag that is gone, disabled or broken; one without targeting whose
// default is safe or none; and one that differs in what it may: shares of fractionals
// whose arms are constant, where each arm that is not safe lies on the circle where it
// lay before, results that have become safe, and prerequisites that are more, or
// narrower themselves. In doubt it is not narrower.
func Narrower(old, newer *Flag, safe func(variant string) bool) bool {
	if newer.mute() {
		return true
	}
	if safe == nil {
		safe = func(string) bool { return false }
	}
	n := narrowing{old: old, new: newer, safe: safe}
	if newer.rule == nil && n.safeDefault() {
		return true
	}
	return !old.mute() && n.sameValues() && n.sameDefault() && n.sameKey() && n.prerequisites() &&
		n.result(old.targeting(), newer.targeting())
}

// mute reports whether a flag gives nobody anything.
func (f *Flag) mute() bool { return f == nil || f.Disabled || f.Broken }

// targeting is nil if there is none, which gives what null does.
func (f *Flag) targeting() *tree.Node {
	if f.rule == nil {
		return nil
	}
	return f.source.Get("targeting")
}

type narrowing struct {
	old, new *Flag
	safe     func(variant string) bool
}

// safeDefault reports whether null gives nothing that matters.
func (n narrowing) safeDefault() bool {
	name, ok := n.new.defaultName()
	return !ok || n.safe(name)
}

func (n narrowing) sameDefault() bool {
	return n.safeDefault() || n.old.given(nil) == n.new.given(nil)
}

// sameValues holds whatever names a variant, computed or not.
func (n narrowing) sameValues() bool {
	for _, v := range n.new.Variants {
		if n.safe(v.Name) {
			continue
		}
		i := n.old.variant(v.Name)
		if i < 0 || !bytes.Equal(n.old.Variants[i].JSON, v.JSON) {
			return false
		}
	}
	return true
}

// sameKey reports whether subjects fall where they fell, and whether what both refer to
// is the same.
func (n narrowing) sameKey() bool {
	if n.new.rule == nil {
		return true
	}
	return n.old.Key == n.new.Key && n.old.seed == n.new.seed && n.old.set.Bucketing == n.new.set.Bucketing &&
		newComparison(n.old.set, n.new.set).sameRefs(n.new.refs)
}

// prerequisites may become more. One that is still there holds for nobody for whom it
// did not: giving the variant that it asks for is what its flag may not newly do.
func (n narrowing) prerequisites() bool {
	for _, before := range n.old.prerequisites {
		if before.variant < 0 || !n.requires(before) { // below 0 it never held
			return false
		}
	}
	return true
}

func (n narrowing) requires(before prerequisite) bool {
	variant := before.flag.Variants[before.variant].Name
	for _, after := range n.new.prerequisites {
		if after.flag.Key != before.flag.Key || after.variant < 0 || after.flag.Variants[after.variant].Name != variant {
			continue
		}
		return Narrower(before.flag, after.flag, func(name string) bool { return name != variant })
	}
	return false
}

// given is the variant that a constant gives; false if it is none, or no constant.
type given struct {
	name string
	ok   bool
}

// given is what a constant result stands for. nil is null.
func (f *Flag) given(result *tree.Node) given {
	switch {
	case result == nil || result.Kind == tree.Null:
		name, ok := f.defaultName()
		return given{name, ok}
	case result.Kind == tree.String:
		return given{result.Text, true}
	case result.Kind == tree.Bool && result.Bool:
		return given{"true", true}
	case result.Kind == tree.Bool:
		return given{"false", true}
	}
	return given{}
}

func isConstant(result *tree.Node) bool {
	return result == nil || result.Kind == tree.Null || result.Kind == tree.String || result.Kind == tree.Bool
}

// harmless reports whether what a constant gives is safe, or nothing.
func (n narrowing) harmless(g given) bool {
	return !g.ok || n.safe(g.name) || n.new.variant(g.name) < 0
}

// result compares two expressions that stand where a variant is named.
func (n narrowing) result(before, after *tree.Node) bool {
	if tree.Equal(before, after) {
		return true
	}
	if isConstant(after) {
		given := n.new.given(after)
		return n.harmless(given) || isConstant(before) && n.old.given(before) == given
	}
	if a, b := argument(before, "if"), argument(after, "if"); a != nil && b != nil {
		return n.branches(a, b)
	}
	if b := argument(after, "fractional"); b != nil {
		return n.fractional(before, b)
	}
	return false
}

// argument is that of an operator; nil if it is another one, or no array.
func argument(n *tree.Node, operator string) *tree.Node {
	if n == nil || n.Kind != tree.Object || len(n.Members) != 1 {
		return nil
	}
	if args := n.Get(operator); args != nil && args.Kind == tree.Array {
		return args
	}
	return nil
}

// branches compares if with if: the conditions are equal, and each result is narrower.
func (n narrowing) branches(before, after *tree.Node) bool {
	last := len(after.Items) - 1
	if len(before.Items) != len(after.Items) || last < 1 {
		return false
	}
	for i := range after.Items {
		isResult := i%2 == 1 || i == last
		if isResult && !n.result(before.Items[i], after.Items[i]) ||
			!isResult && !tree.Equal(before.Items[i], after.Items[i]) {
			return false
		}
	}
	return true
}
