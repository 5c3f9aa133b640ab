package definition

import (
	"slices"

	"github.com/handover-go/handover/flags/internal/tree"
)

// Changed are the keys of the flags that differ from those of an older set, or are in
// one of the two only, sorted. A flag differs as well if an evaluator that it refers to
// does, a prerequisite, or the bucketing, unless it has no targeting. Metadata of the
// set do not count: a version there would be a change of everything.
func (s *Set) Changed(old *Set) []string {
	var keys []string
	c := newComparison(old, s)
	for key, f := range s.Flags {
		if old == nil || c.differ(old.Flags[key], f) {
			keys = append(keys, key)
		}
	}
	if old != nil {
		for key := range old.Flags {
			if s.Flags[key] == nil {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// comparison is of two sets. What it finds about an evaluator it remembers.
type comparison struct {
	old, new *Set
	same     map[string]bool // evaluators
}

func newComparison(old, newer *Set) *comparison {
	return &comparison{old: old, new: newer, same: map[string]bool{}}
}

func (c *comparison) differ(a, b *Flag) bool {
	if a == nil || b == nil || !tree.Equal(a.source, b.source) {
		return true
	}
	if b.rule != nil && (c.old.Bucketing != c.new.Bucketing || !c.sameRefs(b.refs)) {
		return true
	}
	if a.Broken != b.Broken || len(a.prerequisites) != len(b.prerequisites) {
		return true // by another flag
	}
	return slices.ContainsFunc(b.prerequisites, func(p prerequisite) bool {
		return c.differ(c.old.Flags[p.flag.Key], p.flag)
	})
}

// sameRefs reports whether these evaluators are the same in both sets, with all that
// they refer to.
func (c *comparison) sameRefs(names []string) bool {
	for _, name := range names {
		same, known := c.same[name]
		if !known {
			c.same[name] = true // if it refers to itself
			a, b := c.old.evaluators[name], c.new.evaluators[name]
			same = tree.Equal(a.node, b.node) && c.sameRefs(b.refs)
			c.same[name] = same
		}
		if !same {
			return false
		}
	}
	return true
}
