package logic

import (
	"fmt"
	"math"

	"github.com/handover-go/handover/flags/internal/tree"
)

const maxArms = 1000

// arm is a variant and its weight; either may be computed.
type arm struct {
	variant  term
	weighing expr   // nil if weight is constant
	weight   uint32 // at most math.MaxInt32
	path     string
}

// fractional gives one of its arms, by their weights and where the subject falls:
// always the same one for a subject. Without a key it gives null, Skipped.
func (w *work) fractional(c *call) term {
	place, first := w.placing(c)
	nodes := c.args[first:]
	switch {
	case len(nodes) > maxArms:
		w.broken(c.node, c.path, fmt.Sprintf("a fractional of %d arms", len(nodes)), fmt.Sprintf("at most %d", maxArms))
		return nothing()
	case len(nodes) == 0:
		w.mistake(c.node, c.path, "a fractional without arms", `as in [["on", 25], ["off", 75]]`)
		return nothing()
	}
	arms, ok := make([]arm, len(nodes)), true
	fixed, total := true, uint64(0)
	for i, node := range nodes {
		var valid bool
		arms[i], valid = w.arm(node, c.argPath(first+i), c.out)
		ok = ok && valid
		fixed = fixed && arms[i].weighing == nil
		total += uint64(arms[i].weight)
	}
	if total > math.MaxInt32 {
		w.mistake(c.node, c.path, fmt.Sprintf("the weights' sum is %d", total), fmt.Sprintf("at most %d", math.MaxInt32))
		ok = false
	}
	switch {
	case !ok: // one wrong arm makes all of it null, as in flagd
		return nothing()
	case fixed:
		return fixedSplit(place, arms, uint32(total))
	default:
		return computed(computedSplit(place, arms))
	}
}

// arm reports whether it can be used.
func (w *work) arm(n *tree.Node, path string, out outcome) (arm, bool) {
	if n.Kind != tree.Array || len(n.Items) == 0 {
		w.mistake(n, path, fmt.Sprintf("%s is no arm", written(n)), `a variant and its weight, as in ["on", 25]`)
		return arm{}, false
	}
	if len(n.Items) > 2 {
		w.mistake(n, path, fmt.Sprintf("an arm of %d parts", len(n.Items)), `a variant and its weight, as in ["on", 25]`)
	}
	a, ok := arm{weight: 1, path: w.below(path)}, true
	if variant := n.Items[0]; variant.Kind == tree.Array {
		w.mistake(variant, path+"[0]", "a list is no variant", "the name of a variant")
		ok = false
	} else {
		a.variant = w.variantOf(variant, path, out)
	}
	if len(n.Items) > 1 {
		ok = w.weigh(&a, n.Items[1], path+"[1]") && ok
	}
	return a, ok
}

// variantOf stands at the path of its arm, which is what people call it by.
func (w *work) variantOf(n *tree.Node, path string, out outcome) term {
	if n.Kind == tree.Object {
		return w.compile(n, path+"[0]", out)
	}
	return w.compile(n, path, out)
}

func (w *work) weigh(a *arm, n *tree.Node, path string) bool {
	if n.Kind == tree.Object {
		a.weighing, a.weight = w.compile(n, path, neither).run, 0
		return true
	}
	if n.Kind != tree.Number {
		w.mistake(n, path, fmt.Sprintf("the weight %s is no number", written(n)), "a whole number, as in 25")
		return n.Kind == tree.Null // which flagd takes for none: 1
	}
	weight, ok := weightOf(Value{kind: number, number: n.Number})
	if !ok {
		w.mistake(n, path, fmt.Sprintf("the weight %s is not whole, or too large", written(n)),
			fmt.Sprintf("whole numbers up to %d: 0.5 of 100 is 5 of 1000", math.MaxInt32))
	}
	a.weight = weight
	return ok
}

// weightOf counts a negative weight as 0: one may be computed from the time that is
// left. null is 1, as in flagd.
func weightOf(v Value) (uint32, bool) {
	switch {
	case v.kind == null:
		return 1, true
	case v.kind != number || v.number != math.Trunc(v.number) || v.number > math.MaxInt32:
		return 0, false
	}
	return uint32(max(0, v.number)), true
}

func fixedSplit(place placing, arms []arm, total uint32) term {
	ends, end := make([]uint32, len(arms)), uint32(0)
	for i, a := range arms {
		end += a.weight
		ends[i] = end
		arms[i].variant.value.Split = true
	}
	return term{chooser: split(place, arms, ends, total), run: func(s *Scope, l *loop) Value {
		at, ok := place(s, l, total)
		if !ok {
			return Value{Skipped: true}
		}
		for i, end := range ends {
			if at < end {
				return arms[i].give(s, l)
			}
		}
		return Value{} // all weights are 0
	}}
}

// computedSplit weighs each time.
func computedSplit(place placing, arms []arm) expr {
	for i := range arms {
		arms[i].variant.value.Split = true
	}
	return func(s *Scope, l *loop) Value {
		var buffer [16]uint32
		ends, total := buffer[:0], uint64(0)
		for _, a := range arms {
			weight, ok := a.weight, true
			if a.weighing != nil {
				weight, ok = weightOf(a.weighing(s, l))
			}
			total += uint64(weight)
			if !ok || total > math.MaxInt32 {
				return Value{}
			}
			ends = append(ends, uint32(total))
		}
		at, ok := place(s, l, uint32(total))
		if !ok {
			return Value{Skipped: true}
		}
		for i, end := range ends {
			if at < end {
				return arms[i].give(s, l)
			}
		}
		return Value{}
	}
}

// give is the variant of an arm that has been chosen.
func (a *arm) give(s *Scope, l *loop) Value {
	if a.variant.constant {
		return a.variant.value
	}
	v := a.variant.run(s, l)
	if v.kind == list || v.kind == object {
		return Value{}
	}
	if v.Rule == "" {
		v.Rule = a.path
	}
	v.Split = true
	return v
}
