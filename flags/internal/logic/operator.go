package logic

import (
	"fmt"
	"maps"
	"slices"

	"github.com/handover-go/handover/flags/internal/tree"
)

// operator is what there is to know of one.
type operator struct {
	least, most int // arguments, by flagd's schema
	build       func(*work, *call) term
	answers     bool // true or false, or null if it cannot say
}

// many is no bound: the operations are bounded.
const many = maxOperations

// operators are those of flagd's schema
// (https://flagd.dev/schema/v0/targeting.json) and the alias of if.
func operators() map[string]operator {
	return map[string]operator{
		"if": {1, many, (*work).conditional, false}, "?:": {1, many, (*work).conditional, false},
		"and": {1, many, (*work).and, false}, "or": {1, many, (*work).or, false},
		"!": {1, 1, negation(true), true}, "!!": {1, 1, negation(false), true},

		"==": {2, 2, comparison(equal), true}, "!=": {2, 2, comparison(unequal), true},
		"===": {2, 2, comparison(same), true}, "!==": {2, 2, comparison(different), true},
		"<": {2, 3, comparison(less), true}, "<=": {2, 3, comparison(lessOrEqual), true},
		">": {2, 2, comparison(greater), true}, ">=": {2, 2, comparison(greaterOrEqual), true},

		"+": {1, many, (*work).sum, false}, "-": {1, many, (*work).difference, false},
		"*": {2, many, (*work).product, false}, "/": {2, 2, (*work).quotient, false},
		"%": {2, 2, (*work).remainder, false}, "min": {1, many, (*work).least, false},
		"max": {1, many, (*work).greatest, false},

		"map": {2, 2, (*work).mapped, false}, "filter": {2, 2, (*work).filter, false},
		"reduce": {3, 3, (*work).reduce, false}, "all": {2, 2, (*work).all, true},
		"some": {2, 2, (*work).some, true}, "none": {2, 2, (*work).none, true},
		"in": {2, 2, (*work).in, true}, "merge": {1, many, (*work).merge, false},

		"var": {1, 2, (*work).variable, false}, "missing": {0, many, (*work).missing, false},
		"missing_some": {2, 2, (*work).missingSome, false},

		"cat": {1, many, (*work).cat, false}, "substr": {2, 3, (*work).substr, false},
		"starts_with": {2, 2, (*work).startsWith, true}, "ends_with": {2, 2, (*work).endsWith, true},
		"sem_ver": {3, 3, (*work).semVer, true}, "fractional": {1, many, (*work).fractional, false},
	}
}

// call is an operator and its arguments.
type call struct {
	node *tree.Node
	path string // with the operator: targeting.if
	args []*tree.Node
	bare bool // one argument without brackets: {"!": {"var": "x"}}
	out  outcome
}

func (c *call) argPath(i int) string {
	if c.bare {
		return c.path
	}
	return tree.Index(c.path, i)
}

// arg compiles an argument; one that is not there is null.
func (w *work) arg(c *call, i int, out outcome) term {
	if i >= len(c.args) {
		return nothing()
	}
	return w.compile(c.args[i], c.argPath(i), out)
}

// args compiles all of them, and none of them is the rule's result.
func (w *work) args(c *call) []expr {
	all := make([]expr, len(c.args))
	for i := range c.args {
		all[i] = w.arg(c, i, neither).run
	}
	return all
}

func (w *work) operation(n *tree.Node, path string, out outcome) term {
	name, value := n.Members[0].Name, n.Members[0].Value
	c := &call{node: n, path: tree.Join(path, name), args: []*tree.Node{value}, bare: true, out: out}
	switch {
	case value == nil:
		c.args = nil
	case value.Kind == tree.Array:
		c.args, c.bare = value.Items, false
	}
	op, known := w.operators[name]
	if !known {
		w.args(c) // to find what else is wrong
		w.broken(n, path, "unknown operator "+tree.Quote(name), suggest(name, slices.Sorted(maps.Keys(w.operators))))
		return nothing()
	}
	w.countArguments(c, op, path, name)
	t := op.build(w, c)
	if op.answers {
		for _, v := range []Value{truth(true, false), truth(false, false)} {
			if out.admits(v) {
				w.literals = append(w.literals, Literal{Value: v, Path: path, Node: n, Computed: true})
			}
		}
	}
	return t
}

// countArguments is as flagd's schema does: JSONLogic lets the brackets of one argument
// go for all operators.
func (w *work) countArguments(c *call, op operator, path, name string) {
	switch {
	case len(c.args) < op.least || len(c.args) > op.most:
		w.mistake(c.node, path, fmt.Sprintf("%q has %s", name, arguments(len(c.args))), op.wants(name))
	case c.bare && !slices.Contains([]string{"!", "!!", "var"}, name):
		w.mistake(c.node, path, fmt.Sprintf("%q has its argument without brackets", name), "a list, also of one")
	}
}

func (op operator) wants(name string) string {
	switch {
	case name == ">" || name == ">=":
		return `2; between is {"<": [low, x, high]}`
	case op.most == many:
		return fmt.Sprintf("at least %d", op.least)
	case op.least == op.most:
		return fmt.Sprint(op.least)
	}
	return fmt.Sprintf("%d or %d", op.least, op.most)
}

func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}
