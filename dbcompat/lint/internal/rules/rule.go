package rules

import "slices"

// Hit is one place where a rule applies.
type Hit struct {
	At      int    // offset in the source; 0 means where the statement begins
	Problem string // with the names of the statement
	Safe    string // SQL for review, or ""
}

// Rule finds one kind of mistake.
type Rule struct {
	Name   string
	Remedy string
	// Style marks a matter of taste, which is looked for only on request.
	Style bool
	// Find looks at statement i of the file, which has a tree.
	Find func(f *File, i int) []Hit
}

// All are the rules, in the order of the field's lists: what blocks, what breaks,
// what is regretted.
func All() []Rule {
	return slices.Concat(columnRules(), constraintRules(), indexRules(), blockRules(), writeRules(), breakRules(),
		dropRules(), transactionRules(), hygieneRules(), typeRules(), styleRules())
}

func hit(problem string) []Hit { return []Hit{{Problem: problem}} }
