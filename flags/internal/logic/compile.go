package logic

import (
	"fmt"
	"maps"
	"slices"

	"github.com/handover-go/handover/flags/internal/tree"
)

// What a flag may have at most, its $refs put in: twenty that each name the next one
// twice are a million operations.
const (
	maxDepth      = 64
	maxOperations = 10_000
	maxLiterals   = 100_000 // lists of those who are let in are long
	maxMistakes   = 100
)

// expr is a compiled expression. l is nil in a rule that does not loop.
type expr func(s *Scope, l *loop) Value

// test is an expression of which only the truth is asked. A Value is ten words, and
// conditions are most of what a rule does.
type test func(s *Scope, l *loop) (is, skipped bool)

// term is what a node has become.
type term struct {
	run      expr
	test     test   // nil unless it is cheaper than run
	name     string // of the attribute that it is, if it is one
	chooser         // unless it computes something
	constant bool
	value    Value // if constant
}

func nothing() term { return constant(Value{}) }

func constant(v Value) term {
	return term{run: func(*Scope, *loop) Value { return v }, chooser: choice(v), constant: true, value: v}
}

func computed(run expr) term { return term{run: run} }

// answer is a term that is true or false, and nothing else.
func answer(is test) term {
	return term{test: is, run: func(s *Scope, l *loop) Value { return truth(is(s, l)) }}
}

// ofText is a test of a term of which one knows what a text means. An attribute that is
// a text, as most are, need not become a Value for it; all else is otherwise's affair.
func (t term) ofText(is func(string) bool, otherwise test) term {
	name := t.name
	if name == "" {
		return answer(otherwise)
	}
	return answer(func(s *Scope, l *loop) (_, skipped bool) {
		if l == nil {
			if x, ok := s.Attributes[name].(string); ok {
				return is(x), false
			}
		}
		return otherwise(s, l)
	})
}

// asked is the term's truth.
func (t term) asked() test {
	if t.test != nil {
		return t.test
	}
	run := t.run
	return func(s *Scope, l *loop) (is, skipped bool) {
		v := run(s, l)
		return v.Truthy(), v.Skipped
	}
}

// outcome is which values of an expression can be the rule's own.
type outcome uint8

const (
	neither outcome = 0
	truthy  outcome = 1
	falsy   outcome = 2
	either          = truthy | falsy
)

func (o outcome) admits(v Value) bool {
	if v.Truthy() {
		return o&truthy != 0
	}
	return o&falsy != 0
}

// work is one compilation.
type work struct {
	*Compiler
	operators map[string]operator
	inFlag    string // what Value.Rule leaves out

	refs       []string // being put in
	depth      int
	operations int
	constants  int
	loops      bool
	literals   []Literal
	mistakes   []tree.Mistake
}

// compile compiles n. What it cannot is null.
func (w *work) compile(n *tree.Node, path string, out outcome) term {
	if n == nil {
		return nothing()
	}
	w.depth++
	defer func() { w.depth-- }()
	if !w.admit(n, path) {
		return nothing()
	}
	switch n.Kind {
	case tree.Object:
		return w.object(n, path, out)
	case tree.Array:
		return w.array(n, path)
	default:
		return w.literal(n, path, out)
	}
}

// admit counts, and says once that it is too much.
func (w *work) admit(n *tree.Node, path string) bool {
	if n.Kind != tree.Object {
		return w.admitLiterals(1, n, path)
	}
	w.operations++
	switch {
	case w.operations == maxOperations+1:
		w.broken(n, path, fmt.Sprintf("the rule has more than %d operations, with its $refs", maxOperations), "fewer")
	case w.depth > maxDepth && w.operations <= maxOperations:
		w.broken(n, path, fmt.Sprintf("the rule is more than %d deep, with its $refs", maxDepth), `a flatter one: "if" takes many conditions`)
	}
	return w.operations <= maxOperations && w.depth <= maxDepth
}

func (w *work) admitLiterals(count int, n *tree.Node, path string) bool {
	before := w.constants
	w.constants += count
	if before <= maxLiterals && w.constants > maxLiterals {
		w.broken(n, path, fmt.Sprintf("the rule has more than %d literals, with its $refs", maxLiterals), "fewer; who is in a long list is better an attribute")
	}
	return w.constants <= maxLiterals
}

func (w *work) literal(n *tree.Node, path string, out outcome) term {
	v := scalar(n)
	if out.admits(v) {
		v.Rule = w.below(path)
		if v.kind != null {
			w.literals = append(w.literals, Literal{Value: v, Path: path, Node: n})
		}
	}
	return constant(v)
}

func (w *work) array(n *tree.Node, path string) term {
	if scalars(n.Items) {
		return constant(w.listOf(n, path))
	}
	parts, fixed := make([]expr, len(n.Items)), true
	values := make([]Value, len(n.Items))
	for i, item := range n.Items {
		t := w.compile(item, tree.Index(path, i), neither)
		parts[i], values[i] = t.run, t.value
		fixed = fixed && t.constant
	}
	if fixed {
		return constant(Value{kind: list, many: values})
	}
	return computed(func(s *Scope, l *loop) Value {
		if !l.spend(len(parts), 0) {
			return Value{}
		}
		all := make([]Value, len(parts))
		for i, part := range parts {
			all[i] = part(s, l)
		}
		return Value{kind: list, many: all}
	})
}

func (w *work) object(n *tree.Node, path string, out outcome) term {
	switch len(n.Members) {
	case 0: // JavaScript takes it for true
		w.mistake(n, path, "an object without an operator", `as in {"var": "country"}`)
		return constant(Value{kind: object, many: map[string]any{}})
	case 1:
		if n.Members[0].Name == "$ref" {
			return w.reference(n, path, out)
		}
		return w.operation(n, path, out)
	}
	names := make([]string, len(n.Members))
	for i, m := range n.Members {
		names[i] = m.Name
	}
	w.broken(n, path, "more than one operator: "+quoted(names), `one; join them by {"and": […]} or {"or": […]}`)
	return nothing()
}

// reference puts an evaluator in.
func (w *work) reference(n *tree.Node, path string, out outcome) term {
	name := n.Members[0].Value
	if name == nil || name.Kind != tree.String {
		w.broken(n, path, "$ref is no name", "the name of one of $evaluators")
		return nothing()
	}
	evaluator := w.Evaluators[name.Text]
	switch {
	case evaluator == nil:
		w.broken(name, path+".$ref", "there is no evaluator "+tree.Quote(name.Text), suggest(name.Text, w.evaluatorNames()))
		return nothing()
	case slices.Contains(w.refs, name.Text):
		w.broken(name, path+".$ref", "evaluators that need one another: "+quoted(append(w.refs, name.Text)), "evaluators that end")
		return nothing()
	}
	w.refs = append(w.refs, name.Text)
	t := w.compile(evaluator, tree.Join("$evaluators", name.Text), out)
	w.refs = w.refs[:len(w.refs)-1]
	return t
}

func (w *work) evaluatorNames() []string {
	if w.names == nil {
		w.names = slices.Sorted(maps.Keys(w.Evaluators))
	}
	return w.names
}
