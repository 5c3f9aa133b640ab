package logic

// The bounds of one evaluation. A loop in a loop in a loop over a list of the caller's
// is how a short rule takes for ever, and cat in reduce is how it takes all memory.
const (
	maxSteps = 100_000 // operations in loops, and elements that they look at
	maxBytes = 1 << 20 // of text that they put together
)

type budget struct {
	steps, bytes int
	spent        bool
}

// loop is where a rule that loops is. Others have none: they cost no more than they
// are long, and so need no budget, which would have to be allocated.
type loop struct {
	*budget
	inside      bool // of map, filter, reduce and their like; outside, the data is the scope
	reducing    bool
	item        Value
	accumulator Value
}

// bounded evaluates within a budget.
func (run expr) bounded(s *Scope) Value {
	if s == nil {
		s = &Scope{}
	}
	b := &budget{steps: maxSteps, bytes: maxBytes}
	v := run(s, &loop{budget: b})
	if b.spent {
		return Value{}
	}
	return v.settled()
}

// spend reports whether there is still something left. What is computed after that
// does not matter, it only has to end.
func (l *loop) spend(steps, bytes int) bool {
	if l == nil {
		return true
	}
	l.steps -= steps
	l.bytes -= bytes
	if l.steps < 0 || l.bytes < 0 {
		l.spent = true
	}
	return !l.spent
}

// member is the first step of a path in a loop.
func (l *loop) member(name string) Value {
	switch {
	case !l.reducing:
		return l.item.member(name)
	case name == "current":
		return l.item
	case name == "accumulator":
		return l.accumulator
	}
	return Value{}
}
