package lint

import (
	"fmt"

	"github.com/handover-go/handover/flags/internal/bucket"
	"github.com/handover-go/handover/flags/internal/tree"
)

// bucketing are the rules about who falls where.
func bucketing() []Rule {
	return []Rule{
		{
			"bucketing-unnamed",
			"flagd's own has changed from one version to the next, and with it who had which variant (open-feature/flagd#1909)",
			unnamed,
		},
		{
			"md5",
			"md5-100 is slower than the others and has a coarser grain; it is for agreeing with another program",
			md5,
		},
		{
			"grain",
			"an arm that is smaller than the grain of md5-100 gets nobody, or more than it should",
			grain,
		},
		{
			"shared-buckets",
			"a rollout by an expression without the flag's key puts the same subjects first in each flag",
			shared,
		},
	}
}

func unnamed(s *set, report report) {
	if s.bucketing != nil || len(s.rollouts) == 0 {
		return
	}
	at := s.root.Get("metadata")
	if at == nil {
		at = s.root
	}
	report(at, "metadata", "no bucketing is named, though there are rollouts: it is flagd's, as long as this reader is of its version",
		`"bucketing": "flagd-v2" for what is now; "v1" for a new set`)
}

func md5(s *set, report report) {
	if s.algorithm == bucket.MD5 {
		report(s.bucketing, "metadata.bucketing", "md5-100 is for agreeing with a program that does the same",
			`"v1", if there is none`)
	}
}

// grains is how many parts md5-100 has: 1/1000 % each.
const grains = 100_000

func grain(s *set, report report) {
	if s.algorithm != bucket.MD5 {
		return
	}
	for _, r := range s.rollouts {
		arms, total := r.shares()
		end := 0.0
		for _, a := range arms {
			if end += a.weight; a.computed || total <= grains {
				break
			}
			if uint64(end)*grains%uint64(total) != 0 {
				report(a.node, a.path, fmt.Sprintf("weights of %.0f in all are finer than 1/1000 %%, which is the grain of md5-100", total),
					"weights of 100000 in all, or the bucketing \"v1\"")
				break
			}
		}
	}
}

// shared are rollouts whose subjects are the same in all flags. v1 puts the flag's key
// in front of any expression.
func shared(s *set, report report) {
	if s.algorithm != bucket.FlagdV2 && s.algorithm != bucket.MD5 {
		return
	}
	for _, r := range s.rollouts {
		if r.by == nil || r.by.Kind != tree.Object || s.salted(r.by) {
			continue
		}
		report(r.by, r.path+"[0]", "it goes by this alone: the same subjects are the first in each flag that does so",
			`{"cat": [{"var": "$flagd.flagKey"}, …]}, or the bucketing "v1"`)
	}
}

// salted reports whether an expression has the flag's key in it, or a text of its own
// that somebody has chosen.
func (s *set) salted(by *tree.Node) bool {
	found := false
	s.reach(by, func(n *tree.Node) {
		if name := operation(n, "var"); name != nil {
			if name.Kind == tree.Array && len(name.Items) > 0 {
				name = name.Items[0]
			}
			found = found || name.Text == "$flagd.flagKey"
		}
		if parts := operation(n, "cat"); parts != nil {
			for _, part := range parts.Items {
				found = found || part.Kind == tree.String && part.Text != ""
			}
		}
	})
	return found
}

// share is an arm of a rollout.
type share struct {
	path     string
	node     *tree.Node
	variant  string // empty if it is computed
	weight   float64
	computed bool // the weight
}

// shares are the arms that can be understood, and the sum of the weights that are known.
func (r rollout) shares() (arms []share, total float64) {
	first := 0
	if r.by != nil {
		first = 1
	}
	for i, n := range r.arms {
		if n.Kind != tree.Array || len(n.Items) == 0 {
			continue
		}
		a := share{path: tree.Index(r.path, first+i), node: n, weight: 1}
		if variant := n.Items[0]; variant.Kind == tree.String {
			a.variant = variant.Text
		}
		if len(n.Items) > 1 {
			a.computed = n.Items[1].Kind == tree.Object
			a.weight = n.Items[1].Number // 0 if it is computed
		}
		if a.weight < 0 || a.weight > 1<<31 {
			a.weight = 0 // which is a mistake, or taken for none
		}
		total += a.weight
		arms = append(arms, a)
	}
	return arms, total
}
