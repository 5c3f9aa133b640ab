package definition

import "github.com/handover-go/handover/flags/internal/logic"

// Evaluate does not block or panic, and allocates only what the targeting computes
// (cat, map, filter). A nil Flag is one that was not found, a nil Scope an empty one.
func (f *Flag) Evaluate(s *logic.Scope) Outcome {
	if f == nil || f.Disabled || f.Broken || f.killed() {
		return f.off()
	}
	if s == nil {
		s = &logic.Scope{}
	}
	var skipped bool
	if len(f.prerequisites) > 0 {
		var rule string
		if rule, skipped = f.unmet(s); rule != "" {
			return Outcome{Variant: -1, Rule: rule, Why: Why{Reason: Default, Skipped: skipped}}
		}
	}
	switch {
	case f.rule == nil:
		return f.otherwise(Static, skipped)
	case f.choose != nil:
		return f.chosen(s, skipped)
	default:
		return f.result(f.rule(s), skipped)
	}
}

// chosen is the result of a rule that only chooses.
func (f *Flag) chosen(s *logic.Scope, skipped bool) Outcome {
	choice, without := f.choose(s)
	skipped = skipped || without
	switch {
	case choice == nil:
		return f.otherwise(Default, skipped)
	case choice.Index < 0:
		return Outcome{Variant: -1, Rule: choice.Value.Rule, Why: Why{Error, General, skipped}}
	case choice.Value.Split:
		return Outcome{Variant: choice.Index, Rule: choice.Value.Rule, Why: Why{Split, 0, skipped}}
	default:
		return Outcome{Variant: choice.Index, Rule: choice.Value.Rule, Why: Why{TargetingMatch, 0, skipped}}
	}
}

// result is what the targeting's value means.
func (f *Flag) result(value logic.Value, skipped bool) Outcome {
	skipped = skipped || value.Skipped
	if value.IsNull() {
		return f.otherwise(Default, skipped)
	}
	out := Outcome{Variant: f.named(value), Rule: value.Rule, Why: Why{Reason: TargetingMatch, Skipped: skipped}}
	switch {
	case out.Variant < 0:
		out.Reason, out.Code = Error, General
	case value.Split:
		out.Reason = Split
	}
	return out
}

// off is the outcome of a flag that nobody has to ask.
func (f *Flag) off() Outcome {
	switch {
	case f == nil:
		return Instead(Error, FlagNotFound, "")
	case f.Disabled:
		return Instead(Disabled, 0, "")
	case f.killed():
		return Instead(Disabled, 0, "killed")
	default:
		return Instead(Error, ParseError, "")
	}
}

func (f *Flag) killed() bool { return f.Killed != nil && f.Killed.Load() != 0 }

// otherwise is the default variant; the caller's default if there is none.
func (f *Flag) otherwise(reason Reason, skipped bool) Outcome {
	if f.Default < 0 {
		reason = Default
	}
	return Outcome{Variant: f.Default, Why: Why{Reason: reason, Skipped: skipped}}
}

// unmet is the path of the first prerequisite that does not hold; "" if all do.
func (f *Flag) unmet(s *logic.Scope) (rule string, skipped bool) {
	for i := range f.prerequisites {
		p := &f.prerequisites[i]
		out := p.flag.Evaluate(s)
		skipped = skipped || out.Skipped
		if out.Variant != p.variant {
			return p.rule, skipped
		}
	}
	return "", skipped
}

// named is the variant that the targeting has named. A list is none, though its text
// may be the name of one.
func (f *Flag) named(v logic.Value) int {
	if v.Rule == "" { // computed
		switch v.Interface().(type) {
		case bool, float64, string:
		default:
			return -1
		}
	}
	return f.variant(v.Text())
}
