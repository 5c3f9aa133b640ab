package definition

import "github.com/handover-go/handover/flags/internal/logic"

// Evaluate does not block or panic, and allocates only what the targeting computes
// (cat, map, filter). A nil Flag is one that was not found, a nil Scope an empty one.
func (f *Flag) Evaluate(s *logic.Scope) Outcome {
	if out := f.off(); out.Reason != 0 {
		return out
	}
	if s == nil {
		s = &logic.Scope{}
	}
	rule, skipped := f.unmet(s)
	switch {
	case rule != "":
		return Outcome{Variant: -1, Reason: Default, Rule: rule, Skipped: skipped}
	case f.rule == nil:
		return f.otherwise(Static, skipped)
	}
	value := f.rule(s)
	skipped = skipped || value.Skipped
	if value.IsNull() {
		return f.otherwise(Default, skipped)
	}
	out := Outcome{Variant: f.named(value), Reason: TargetingMatch, Rule: value.Rule, Skipped: skipped}
	switch {
	case out.Variant < 0:
		out.Reason, out.Code = Error, General
	case value.Split:
		out.Reason = Split
	}
	return out
}

// off is the outcome of a flag that nobody has to ask; without a Reason it is not one.
func (f *Flag) off() Outcome {
	switch {
	case f == nil:
		return Outcome{Variant: -1, Reason: Error, Code: FlagNotFound}
	case f.Disabled:
		return Outcome{Variant: -1, Reason: Disabled}
	case f.Killed != nil && f.Killed.Load() != 0:
		return Outcome{Variant: -1, Reason: Disabled, Rule: "killed"}
	case f.Broken:
		return Outcome{Variant: -1, Reason: Error, Code: ParseError}
	}
	return Outcome{}
}

// otherwise is the default variant; the caller's default if there is none.
func (f *Flag) otherwise(reason Reason, skipped bool) Outcome {
	if f.Default < 0 {
		reason = Default
	}
	return Outcome{Variant: f.Default, Reason: reason, Skipped: skipped}
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
