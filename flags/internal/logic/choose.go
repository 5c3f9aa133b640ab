package logic

// Most rules compute nothing: they choose one of the texts that stand in them. A Value is
// ten words, which are copied at each step from there to the caller; a pointer to it is
// one.

// Choice is one of the literals that a rule can give.
type Choice struct {
	Value Value // not null
	Index int   // what the caller of Chooser has made of it
}

// Chooser is a rule that only chooses; it gives what its Rule does. A nil Choice is null.
type Chooser func(*Scope) (c *Choice, skipped bool)

// Chooser is the rule that was compiled last, or nil if it computes something. index is
// asked once for each literal.
func (c *Compiler) Chooser(index func(Value) int) Chooser {
	chosen := c.chosen
	if chosen.pick == nil {
		return nil
	}
	for _, choice := range chosen.choices {
		choice.Index = index(choice.Value)
	}
	return func(s *Scope) (*Choice, bool) {
		if s == nil {
			s = &Scope{}
		}
		return chosen.pick(s, nil)
	}
}

// pick is an expression that only chooses.
type pick func(s *Scope, l *loop) (c *Choice, skipped bool)

// chooser is a part of a Chooser. Without a pick it is none.
type chooser struct {
	pick    pick
	choices []*Choice
}

// choice chooses what there is. A list is no variant, and no choice.
func choice(v Value) chooser {
	if v.kind == list || v.kind == object {
		return chooser{}
	}
	if v.kind == null {
		return chooser{pick: func(*Scope, *loop) (*Choice, bool) { return nil, false }}
	}
	c := &Choice{Value: v}
	return chooser{func(*Scope, *loop) (*Choice, bool) { return c, false }, []*Choice{c}}
}

// ifs chooses what belongs to the first condition that holds; the last one is for none.
func ifs(conditions []test, thens []chooser) chooser {
	var all chooser
	picks := make([]pick, len(thens))
	for i, then := range thens {
		if then.pick == nil {
			return chooser{}
		}
		picks[i] = then.pick
		all.choices = append(all.choices, then.choices...)
	}
	all.pick = func(s *Scope, l *loop) (*Choice, bool) {
		at, skipped := len(conditions), false
		for i, condition := range conditions {
			is, without := condition(s, l)
			skipped = skipped || without
			if is {
				at = i
				break
			}
		}
		c, without := picks[at](s, l)
		return c, skipped || without
	}
	return all
}

// split chooses an arm.
func split(place placing, arms []arm, ends []uint32, total uint32) chooser {
	var all chooser
	choices := make([]*Choice, len(arms))
	for i, a := range arms {
		switch v := a.variant.value; {
		case !a.variant.constant || v.kind == list || v.kind == object:
			return chooser{}
		case v.kind != null:
			choices[i] = &Choice{Value: v}
			all.choices = append(all.choices, choices[i])
		}
	}
	all.pick = func(s *Scope, l *loop) (*Choice, bool) {
		at, ok := place(s, l, total)
		if !ok {
			return nil, true
		}
		for i, end := range ends {
			if at < end {
				return choices[i], false
			}
		}
		return nil, false // all weights are 0
	}
	return all
}
