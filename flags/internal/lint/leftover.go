package lint

import (
	"fmt"
	"time"

	"github.com/handover-go/handover/flags/internal/tree"
)

// leftovers are the rules about what should be gone.
func leftovers() []Rule {
	return []Rule{
		{
			"expired",
			"a flag that has outlived its day is a path that nobody tests, and one day somebody turns it on",
			expired,
		},
		{
			"unused-evaluator",
			"an evaluator that no flag refers to is read by everybody and run by nobody",
			unused,
		},
	}
}

func expired(s *set, report report) {
	s.expires(s.root, "", report)
	for _, f := range s.flags {
		s.expires(f.node, f.path, report)
	}
}

// expires looks at metadata.expires.
func (s *set) expires(of *tree.Node, path string, report report) {
	day := of.Get("metadata").Get("expires")
	if day == nil {
		return
	}
	path = tree.Join(tree.Join(path, "metadata"), "expires")
	_, err := time.Parse(time.DateOnly, day.Text)
	switch {
	case day.Kind != tree.String || err != nil:
		report(day, path, "it is no day", `one like "2027-03-01"`)
	case day.Text <= s.today:
		report(day, path, fmt.Sprintf("it should be gone since %s", day.Text), "take it out of the programs, and then from here; or a later day")
	}
}

func unused(s *set, report report) {
	evaluators := s.root.Get("$evaluators")
	if evaluators == nil {
		return
	}
	var queue []*tree.Node // each evaluator once, as they may form a long chain
	for _, f := range s.flags {
		queue = append(queue, f.node.Get("targeting"))
	}
	used := map[string]bool{}
	for len(queue) > 0 {
		next := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		walk(next, "", func(n *tree.Node, _ string) {
			if ref := operation(n, "$ref"); ref != nil && !used[ref.Text] {
				used[ref.Text] = true
				queue = append(queue, s.evaluators[ref.Text])
			}
		})
	}
	for _, m := range evaluators.Members {
		if !used[m.Name] {
			report(m.Value, tree.Join("$evaluators", m.Name), "no flag refers to it", fmt.Sprintf(`{"$ref": %s} somewhere, or nothing`, tree.Quote(m.Name)))
		}
	}
}
