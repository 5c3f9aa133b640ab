package lint

import (
	"time"

	"github.com/handover-go/handover/flags/internal/bucket"
	"github.com/handover-go/handover/flags/internal/tree"
)

// set is a document, in the parts that rules ask for. It may have any mistake.
type set struct {
	root       *tree.Node
	today      string
	bucketing  *tree.Node // in the metadata; nil if it is not named
	algorithm  bucket.Algorithm
	evaluators map[string]*tree.Node
	flags      []flag
	rollouts   []rollout // where they are written: each once, however many flags refer to it
}

// flag is one of them.
type flag struct {
	path  string
	node  *tree.Node
	place string // of the targeting
}

// rollout is a fractional.
type rollout struct {
	path string
	node *tree.Node // {"fractional": …}
	by   *tree.Node // what it goes by; nil if that is the subject's key
	arms []*tree.Node
}

func newSet(root *tree.Node, today time.Time) *set {
	s := &set{
		root: root, today: today.Format(time.DateOnly),
		bucketing: root.Get("metadata").Get("bucketing"), algorithm: bucket.FlagdV2,
		evaluators: map[string]*tree.Node{},
	}
	if s.bucketing != nil {
		s.algorithm, _ = bucket.Named(s.bucketing.Text)
	}
	note := func(n *tree.Node, path string) {
		if r, ok := rolloutOf(n, path); ok {
			s.rollouts = append(s.rollouts, r)
		}
	}
	if evaluators := root.Get("$evaluators"); evaluators != nil {
		for _, m := range evaluators.Members {
			s.evaluators[m.Name] = m.Value
			walk(m.Value, tree.Join("$evaluators", m.Name), note)
		}
	}
	if flags := root.Get("flags"); flags != nil {
		for _, m := range flags.Members {
			f := flag{path: tree.Join("flags", m.Name), node: m.Value}
			f.place = tree.Join(f.path, "targeting")
			s.flags = append(s.flags, f)
			walk(m.Value.Get("targeting"), f.place, note)
		}
	}
	return s
}

// walk visits a node and all below it. Parse has seen to how deep they are.
func walk(n *tree.Node, path string, visit func(n *tree.Node, path string)) {
	if n == nil {
		return
	}
	visit(n, path)
	for i, item := range n.Items {
		walk(item, tree.Index(path, i), visit)
	}
	for _, m := range n.Members {
		walk(m.Value, tree.Join(path, m.Name), visit)
	}
}

// operation is the argument of an operator; nil if the node is another one.
func operation(n *tree.Node, operator string) *tree.Node {
	if n == nil || n.Kind != tree.Object || len(n.Members) != 1 {
		return nil
	}
	return n.Get(operator)
}

func rolloutOf(n *tree.Node, path string) (rollout, bool) {
	args := operation(n, "fractional")
	if args == nil || args.Kind != tree.Array || len(args.Items) == 0 {
		return rollout{}, false
	}
	r := rollout{path: tree.Join(path, "fractional"), node: n, arms: args.Items}
	if first := args.Items[0]; first.Kind != tree.Array {
		r.by, r.arms = first, args.Items[1:]
	}
	return r, true
}

// most is how many nodes a flag's targeting may have, its $refs put in. A Client
// refuses one with more.
const most = 10_000

// reach visits what is below a node, and what its $refs stand for.
func (s *set) reach(n *tree.Node, visit func(*tree.Node)) {
	left, seen := most, map[string]bool{}
	var all func(*tree.Node)
	all = func(n *tree.Node) {
		if left--; n == nil || left < 0 {
			return
		}
		visit(n)
		for _, item := range n.Items {
			all(item)
		}
		for _, m := range n.Members {
			all(m.Value)
		}
		if ref := operation(n, "$ref"); ref != nil && !seen[ref.Text] {
			seen[ref.Text] = true
			all(s.evaluators[ref.Text])
		}
	}
	all(n)
}
