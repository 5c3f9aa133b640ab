package logic

import "math"

func (w *work) sum(c *call) term {
	if len(c.args) == 0 {
		return constant(Value{kind: number})
	}
	return w.fold(c, addend, func(a, b float64) float64 { return a + b })
}

func (w *work) product(c *call) term {
	return w.fold(c, addend, func(a, b float64) float64 { return a * b })
}

func (w *work) difference(c *call) term {
	if len(c.args) == 1 {
		run := w.arg(c, 0, neither).run
		return computed(func(s *Scope, l *loop) Value {
			return Value{kind: number, number: -run(s, l).toNumber()}
		})
	}
	return w.fold(c, Value.toNumber, func(a, b float64) float64 { return a - b })
}

func (w *work) quotient(c *call) term {
	return w.fold(c, Value.toNumber, func(a, b float64) float64 { return a / b })
}

func (w *work) remainder(c *call) term {
	if len(c.args) < 2 {
		w.args(c)
		return nothing()
	}
	return w.fold(c, Value.toNumber, math.Mod)
}

func (w *work) least(c *call) term {
	return w.fold(c, Value.toNumber, func(a, b float64) float64 { return min(a, b) })
}

func (w *work) greatest(c *call) term {
	return w.fold(c, Value.toNumber, func(a, b float64) float64 { return max(a, b) })
}

// addend is what + and * make of a value: JavaScript's parseFloat, for which neither
// null nor a boolean is a number. A sum with a part missing is no number, and so null.
func addend(v Value) float64 {
	if v.kind == number || v.kind == text && v.text != "" {
		return v.toNumber()
	}
	return math.NaN()
}

// fold computes from left to right. One argument without brackets may be a list.
func (w *work) fold(c *call, read func(Value) float64, step func(a, b float64) float64) term {
	all := w.args(c)
	if len(all) == 0 {
		return nothing()
	}
	if c.bare {
		only := all[0]
		return computed(func(s *Scope, l *loop) Value {
			v := only(s, l)
			if v.kind != list {
				return Value{kind: number, number: read(v)}
			}
			return foldList(v, l, read, step)
		})
	}
	return computed(func(s *Scope, l *loop) Value {
		result := read(all[0](s, l))
		for _, one := range all[1:] {
			result = step(result, read(one(s, l)))
		}
		return Value{kind: number, number: result}
	})
}

func foldList(v Value, l *loop, read func(Value) float64, step func(a, b float64) float64) Value {
	n := v.length()
	if n == 0 || !l.spend(n, 0) {
		return Value{}
	}
	result := read(v.at(0))
	for i := 1; i < n; i++ {
		result = step(result, read(v.at(i)))
	}
	return Value{kind: number, number: result}
}
