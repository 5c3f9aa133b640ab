package logic

// conditional is if: condition, then, condition, then, …, else.
func (w *work) conditional(c *call) term {
	var conditions []test
	var thens []expr // the last one is for when no condition holds
	var choosers []chooser
	then := func(t term) {
		thens, choosers = append(thens, t.run), append(choosers, t.chooser)
	}
	for i := 0; i+1 < len(c.args); i += 2 {
		conditions = append(conditions, w.arg(c, i, neither).asked())
		then(w.arg(c, i+1, c.out))
	}
	if last := len(c.args) - 1; last >= 0 && last%2 == 0 {
		then(w.arg(c, last, c.out))
	} else {
		then(nothing())
	}
	return term{chooser: ifs(conditions, choosers), run: func(s *Scope, l *loop) Value {
		at, skipped := len(conditions), false
		for i, condition := range conditions {
			is, without := condition(s, l)
			skipped = skipped || without
			if is {
				at = i
				break
			}
		}
		v := thens[at](s, l)
		v.Skipped = v.Skipped || skipped
		return v
	}}
}

// after remembers that a rollout has been skipped on the way: what answers in its place
// is not what the rule was written for.
func (v Value) after(skipped bool) Value {
	v.Skipped = v.Skipped || skipped
	return v
}

func (w *work) and(c *call) term { return w.firstThatIs(c, false, falsy) }

func (w *work) or(c *call) term { return w.firstThatIs(c, true, truthy) }

// firstThatIs is the first argument that decides, or the last one.
func (w *work) firstThatIs(c *call, decisive bool, decides outcome) term {
	all, asked := make([]expr, len(c.args)), make([]test, len(c.args))
	for i := range c.args {
		out := c.out & decides
		if i == len(c.args)-1 {
			out = c.out
		}
		t := w.arg(c, i, out)
		all[i], asked[i] = t.run, t.asked()
	}
	run := func(s *Scope, l *loop) Value {
		var v Value
		skipped := false
		for _, one := range all {
			v = one(s, l)
			skipped = skipped || v.Skipped
			if v.Truthy() == decisive {
				break
			}
		}
		return v.after(skipped)
	}
	return term{run: run, test: func(s *Scope, l *loop) (is, skipped bool) {
		for _, ask := range asked {
			one, without := ask(s, l)
			is, skipped = one, skipped || without
			if is == decisive {
				break
			}
		}
		return is, skipped
	}}
}

// negation is ! and, if not negated, !!.
func negation(negated bool) func(*work, *call) term {
	return func(w *work, c *call) term {
		ask := w.arg(c, 0, neither).asked()
		return answer(func(s *Scope, l *loop) (is, skipped bool) {
			is, skipped = ask(s, l)
			return is != negated, skipped
		})
	}
}
