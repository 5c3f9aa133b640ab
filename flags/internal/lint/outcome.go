package lint

import (
	"fmt"

	"github.com/handover-go/handover/flags/internal/tree"
)

// outcomes are the rules about what a subject gets.
func outcomes() []Rule {
	return []Rule{
		{
			"default-opened",
			"a subject without a key, which no rollout takes, gets the default variant",
			opened,
		},
		{
			"default-missing",
			"without a default variant each program gives its own default to whom no rule takes",
			undefaulted,
		},
	}
}

// opened are flags that a rollout opens for some, and the default variant for who has no
// key to go by: a guest, a job, a bug.
func opened(s *set, report report) {
	for _, f := range s.flags {
		chosen := f.node.Get("defaultVariant")
		if chosen == nil || chosen.Kind != tree.String {
			continue
		}
		found := false
		s.reach(f.node.Get("targeting"), func(n *tree.Node) {
			r, ok := rolloutOf(n, "")
			if !ok || found {
				return
			}
			if closed, ok := f.opens(r, chosen.Text); ok {
				found = true
				report(chosen, tree.Join(f.path, "defaultVariant"),
					fmt.Sprintf("it is what a rollout opens: a subject without a key gets %s at once", tree.Quote(chosen.Text)), tree.Quote(closed))
			}
		})
	}
}

// opens reports whether the variant is one that the rollout opens, and which one is not.
// A boolean says so by itself: true is open. Of others it is the one with less weight.
func (f flag) opens(r rollout, variant string) (closed string, ok bool) {
	arms, _ := r.shares()
	variants := f.node.Get("variants")
	if value := variants.Get(variant); value != nil && value.Kind == tree.Bool {
		if value.Bool {
			return falseOf(arms, variants)
		}
		return "", false
	}
	return heavier(arms, variant)
}

// heavier is an arm that more subjects get than this variant, if that is one of them.
func heavier(arms []share, than string) (variant string, ok bool) {
	own, listed := 0.0, false
	for _, a := range arms {
		if a.variant == than {
			own, listed = own+a.weight, true
		}
	}
	for _, a := range arms {
		if listed && a.variant != "" && a.weight > own {
			return a.variant, true
		}
	}
	return "", false
}

// falseOf is an arm that gives false to anybody.
func falseOf(arms []share, variants *tree.Node) (variant string, ok bool) {
	for _, a := range arms {
		value := variants.Get(a.variant)
		if value != nil && value.Kind == tree.Bool && !value.Bool && (a.weight > 0 || a.computed) {
			return a.variant, true
		}
	}
	return "", false
}

func undefaulted(s *set, report report) {
	for _, f := range s.flags {
		chosen := f.node.Get("defaultVariant")
		switch {
		case f.node.Kind != tree.Object || len(f.node.Members) == 0: // a mistake
		case chosen == nil:
			report(f.node, f.path, "no defaultVariant: who is not taken by a rule gets the default of the program's own", "the safe variant")
		case chosen.Kind == tree.Null:
			report(chosen, tree.Join(f.path, "defaultVariant"), "null: who is not taken by a rule gets the default of the program's own", "the safe variant")
		}
	}
}
