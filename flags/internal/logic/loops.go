package logic

// body is what a loop does with each element.
type body struct {
	subject expr
	each    expr
	cost    int // operations
}

// body compiles the first two arguments.
func (w *work) body(c *call) body {
	w.loops = true
	b := body{subject: w.arg(c, 0, neither).run}
	before := w.operations
	b.each = w.arg(c, 1, neither).run
	b.cost = 1 + w.operations - before
	return b
}

// over calls f for each element, with what the body makes of it, until f returns false
// or the budget is spent.
func (b body) over(s *Scope, l *loop, subject Value, f func(element, v Value) bool) {
	inner := &loop{budget: l.budget, inside: true}
	for i := range subject.length() {
		if !l.spend(b.cost, 0) {
			return
		}
		inner.item = subject.at(i)
		if !f(inner.item, b.each(s, inner)) {
			return
		}
	}
}

func (w *work) mapped(c *call) term {
	b := w.body(c)
	return computed(func(s *Scope, l *loop) Value {
		all := []Value{}
		b.over(s, l, b.subject(s, l), func(_, v Value) bool {
			all = append(all, v)
			return true
		})
		return Value{kind: list, many: all}
	})
}

func (w *work) filter(c *call) term {
	b := w.body(c)
	return computed(func(s *Scope, l *loop) Value {
		kept := []Value{}
		b.over(s, l, b.subject(s, l), func(element, v Value) bool {
			if v.Truthy() {
				kept = append(kept, element)
			}
			return true
		})
		return Value{kind: list, many: kept}
	})
}

func (w *work) all(c *call) term {
	b := w.body(c)
	return computed(func(s *Scope, l *loop) Value {
		subject := b.subject(s, l)
		return truth(subject.length() > 0 && !b.find(s, l, subject, false), false)
	})
}

func (w *work) some(c *call) term {
	b := w.body(c)
	return computed(func(s *Scope, l *loop) Value {
		return truth(b.find(s, l, b.subject(s, l), true), false)
	})
}

func (w *work) none(c *call) term {
	b := w.body(c)
	return computed(func(s *Scope, l *loop) Value {
		return truth(!b.find(s, l, b.subject(s, l), true), false)
	})
}

// find reports whether the body is that for one of the elements.
func (b body) find(s *Scope, l *loop, subject Value, that bool) bool {
	found := false
	b.over(s, l, subject, func(_, v Value) bool {
		found = v.Truthy() == that
		return !found
	})
	return found
}

func (w *work) reduce(c *call) term {
	b := w.body(c)
	initial := w.arg(c, 2, neither).run
	return computed(func(s *Scope, l *loop) Value {
		subject := b.subject(s, l)
		inner := &loop{budget: l.budget, inside: true, reducing: true, accumulator: initial(s, l)}
		for i := range subject.length() {
			if !l.spend(b.cost, 0) {
				return Value{}
			}
			inner.item = subject.at(i)
			inner.accumulator = b.each(s, inner)
		}
		return inner.accumulator
	})
}
