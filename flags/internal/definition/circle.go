package definition

import (
	"math"

	"github.com/handover-go/handover/flags/internal/tree"
)

// circle is what a fractional of constants does with the circle on which subjects are:
// who is at x of it, 0 ≤ x < 1, gets the arm with from/total ≤ x < to/total. All
// algorithms of package bucket round down, so this is exact.
type circle struct {
	total uint64
	arms  []arc
	by    *tree.Node // what the subjects are placed by; nil: their key
}

type arc struct {
	given    given
	from, to uint64
}

// circle reads the arguments of a fractional; false if it computes something, or is
// wrong. Weights count as in package logic.
func (f *Flag) circle(args *tree.Node) (circle, bool) {
	var c circle
	items := args.Items
	if len(items) > 0 && items[0].Kind != tree.Array {
		c.by, items = items[0], items[1:]
	}
	for _, item := range items {
		weight, ok := weightOf(item)
		if !ok || !isConstant(item.Items[0]) {
			return circle{}, false
		}
		c.arms = append(c.arms, arc{f.given(item.Items[0]), c.total, c.total + weight})
		c.total += weight
	}
	if c.total == 0 { // null for everybody
		c.arms, c.total = []arc{{f.given(nil), 0, 1}}, 1
	}
	return c, c.total <= math.MaxInt32
}

func weightOf(arm *tree.Node) (uint64, bool) {
	if arm.Kind != tree.Array || len(arm.Items) == 0 || len(arm.Items) > 2 {
		return 0, false
	}
	if len(arm.Items) == 1 {
		return 1, true
	}
	weight := arm.Items[1]
	if weight.Kind != tree.Number || weight.Number != math.Trunc(weight.Number) || weight.Number > math.MaxInt32 {
		return 0, false
	}
	return uint64(max(0, weight.Number)), true
}

// fractional compares a result with a fractional that stands in its place.
func (n narrowing) fractional(before, args *tree.Node) bool {
	after, ok := n.new.circle(args)
	if !ok {
		return false
	}
	old, ok := n.circleBefore(before, after.by)
	if !ok {
		return false
	}
	for _, arm := range after.arms {
		if !n.harmless(arm.given) && !old.covers(arm, after.total) {
			return false
		}
	}
	return true
}

// circleBefore is what a fractional has been before: one by the same, or a constant. Who
// has no key to be placed by falls to the default now, so that must have been given.
func (n narrowing) circleBefore(before, by *tree.Node) (circle, bool) {
	if inner := argument(before, "fractional"); inner != nil {
		old, ok := n.old.circle(inner)
		return old, ok && tree.Equal(old.by, by)
	}
	all, otherwise := n.old.given(before), n.new.given(nil)
	return circle{total: 1, arms: []arc{{all, 0, 1}}}, isConstant(before) && (n.harmless(otherwise) || otherwise == all)
}

// covers reports whether all who are on an arc of another circle had its variant on
// this one. Both are measured in parts of total × total, which is less than 2⁶².
func (c circle) covers(arm arc, total uint64) bool {
	at, end := arm.from*c.total, arm.to*c.total
	for _, own := range c.arms {
		if own.given == arm.given && own.from*total <= at && at < own.to*total {
			at = own.to * total
		}
	}
	return at >= end
}
