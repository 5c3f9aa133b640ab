package lint

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/handover-go/handover/flags/internal/definition"
	"github.com/handover-go/handover/flags/internal/tree"
)

// Finding is one thing to be looked at.
type Finding struct {
	Rule string // the name of the rule of a warning; empty for a mistake
	tree.Mistake
}

// Document returns what there is to say of a document, in its order: all mistakes, and
// warnings up to [tree.MaxMistakes]. today is for what has a day.
func Document(document []byte, today time.Time) []Finding {
	_, mistakes := definition.Compile(document, false)
	findings := make([]Finding, 0, len(mistakes))
	for _, m := range mistakes {
		findings = append(findings, Finding{Mistake: m})
	}
	if root, _ := tree.Parse(document); root != nil {
		findings = append(findings, warnings(newSet(root, today))...)
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return findings
}

// Rule is something that a document can be warned of.
type Rule struct {
	Name  string // default-opened
	Why   string // a sentence
	check func(*set, report)
}

// report warns of a node, which must not be nil.
type report func(n *tree.Node, path, problem, instead string)

// Rules are all there are.
func Rules() []Rule {
	return slices.Concat(bucketing(), outcomes(), leftovers())
}

func warnings(s *set) []Finding {
	var findings []Finding
	more := 0
	for _, rule := range Rules() {
		rule.check(s, func(n *tree.Node, path, problem, instead string) {
			if len(findings) == tree.MaxMistakes {
				more++
				return
			}
			findings = append(findings, Finding{Rule: rule.Name, Mistake: tree.Mistake{
				Path: path, Line: n.Line, Column: n.Column, Problem: problem, Instead: instead,
			}})
		})
	}
	if more > 0 {
		findings = append(findings, Finding{Rule: "more", Mistake: tree.Mistake{
			Line: s.root.Line, Column: s.root.Column,
			Problem: fmt.Sprintf("there are %d more warnings", more), Instead: "fewer, and then again",
		}})
	}
	return findings
}
