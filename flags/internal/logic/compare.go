package logic

// relation is what a comparison asks.
type relation uint8

const (
	equal relation = iota
	unequal
	same
	different
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// comparison compares two, or three for between. With fewer it is false, as in flagd.
func comparison(r relation) func(*work, *call) term {
	return func(w *work, c *call) term {
		if len(c.args) < 2 {
			w.args(c)
			return constant(truth(false, false))
		}
		left, right := w.arg(c, 0, neither), w.arg(c, 1, neither)
		if len(c.args) > 2 {
			return answer(between(r, left.run, right.run, w.arg(c, 2, neither).run))
		}
		if left.constant && r <= different { // {"==": ["CH", {"var": "country"}]}
			left, right = right, left
		}
		a, b := left.run, right.run
		if right.constant {
			return withConstant(r, left, right.value)
		}
		return answer(func(s *Scope, l *loop) (is, skipped bool) {
			x, y := a(s, l), b(s, l)
			return r.holds(&x, &y), x.Skipped || y.Skipped
		})
	}
}

func withConstant(r relation, left term, y Value) term {
	run := left.run
	general := func(s *Scope, l *loop) (is, skipped bool) {
		x := run(s, l)
		return r.holds(&x, &y), x.Skipped
	}
	switch {
	case y.kind != text || r > different:
		return answer(general)
	case r == equal || r == same:
		return left.ofText(func(x string) bool { return x == y.text }, general)
	default:
		return left.ofText(func(x string) bool { return x != y.text }, general)
	}
}

func between(r relation, a, b, c expr) test {
	return func(s *Scope, l *loop) (is, skipped bool) {
		low, x, high := a(s, l), b(s, l), c(s, l)
		return r.holds(&low, &x) && r.holds(&x, &high), low.Skipped || x.Skipped || high.Skipped
	}
}

func (r relation) holds(a, b *Value) bool {
	switch r {
	case equal:
		return a.equals(b)
	case unequal:
		return !a.equals(b)
	case same:
		return a.is(b)
	case different:
		return !a.is(b)
	case less:
		return a.isLess(b, false)
	case lessOrEqual:
		return a.isLess(b, true)
	case greater:
		return b.isLess(a, false)
	default:
		return b.isLess(a, true)
	}
}

// equals is ==: as numbers, if they are not of a kind. null is equal to null only, and
// lists and objects are equal to nothing, so that none is walked through.
func (v *Value) equals(other *Value) bool {
	switch {
	case v.kind == other.kind:
		return v.is(other)
	case v.kind == null || other.kind == null:
		return false
	}
	return v.toNumber() == other.toNumber()
}

// is is ===.
func (v *Value) is(other *Value) bool {
	if v.kind != other.kind {
		return false
	}
	switch v.kind {
	case null:
		return true
	case text:
		return v.text == other.text
	case boolean, number:
		return v.number == other.number
	}
	return false
}

// isLess is < or <=: texts by their bytes, all else as numbers, where null is 0.
func (v *Value) isLess(than *Value, orEqual bool) bool {
	if v.kind == text && than.kind == text {
		return v.text < than.text || orEqual && v.text == than.text
	}
	a, b := v.toNumber(), than.toNumber()
	return a < b || orEqual && a == b
}
