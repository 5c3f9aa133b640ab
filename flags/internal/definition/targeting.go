package definition

import (
	"slices"
	"strings"

	"github.com/handover-go/handover/flags/internal/logic"
	"github.com/handover-go/handover/flags/internal/tree"
)

// maxTargeting is how many values the targeting of all flags may have, what they refer
// to included: package logic bounds one flag, but twenty thousand flags that refer to
// one evaluator of ten thousand values would be 20 GB.
const maxTargeting = 4_000_000

// evaluator is one of $evaluators.
type evaluator struct {
	node *tree.Node
	refs []string // the evaluators that it names itself, as often as it does
	size int      // values, its own
}

func newEvaluator(n *tree.Node) evaluator {
	e := evaluator{node: n}
	e.scan(n)
	return e
}

func (e *evaluator) scan(n *tree.Node) {
	e.size++
	for _, item := range n.Items {
		e.scan(item)
	}
	for _, member := range n.Members {
		if member.Name == "$ref" && member.Value.Kind == tree.String {
			e.refs = append(e.refs, member.Value.Text)
		}
		e.scan(member.Value)
	}
}

// expanded is the size with what it refers to. What goes in a circle ends somewhere;
// package logic refuses it.
func (c *compiler) expanded(e evaluator) int {
	size := e.size
	for _, name := range e.refs {
		inner, known := c.sizes[name]
		if !known {
			c.sizes[name] = 0
			inner = c.expanded(c.set.evaluators[name])
			c.sizes[name] = inner
		}
		size = min(size+inner, maxTargeting+1)
	}
	return size
}

// evaluators are compiled here as well, so that one that nobody uses yet is right when
// somebody does.
func (p place) evaluators() {
	p.nodes = map[string]*tree.Node{}
	if p.node == nil {
		return
	}
	if !p.is(tree.Object) {
		p.wrong(p.kind(), `an object: {"staff": {"in": […]}}`)
		return
	}
	for _, member := range p.node.Members {
		p.nodes[member.Name] = member.Value
		p.set.evaluators[member.Name] = newEvaluator(member.Value)
	}
	for _, member := range p.node.Members {
		at := p.inner(tree.Join(p.path, member.Name), member.Value)
		if member.Name == "" {
			at.wrong("is an evaluator without a name", "a name")
		}
		at.rule(&logic.Compiler{Bucketing: p.set.Bucketing, Evaluators: p.nodes}, p.set.evaluators[member.Name])
	}
}

func (p place) targeting() {
	if p.node == nil || p.is(tree.Object) && len(p.node.Members) == 0 {
		return
	}
	f, own := p.flag, newEvaluator(p.node)
	f.refs = slices.Compact(slices.Sorted(slices.Values(own.refs)))
	rules := &logic.Compiler{Flag: f.Key, Seed: f.seed, Bucketing: p.set.Bucketing, Evaluators: p.nodes}
	f.rule = p.rule(rules, own)
	if f.rule != nil {
		f.choose = rules.Chooser(func(v logic.Value) int { return f.named(v) })
	}
	if f.Variants != nil {
		p.results(rules.Literals())
	}
}

// rule compiles what stands here.
func (p place) rule(rules *logic.Compiler, own evaluator) logic.Rule {
	if !p.is(tree.Object) {
		p.wrong(p.kind(), `an object: {"if": […]}`)
	}
	if p.size += p.expanded(own); p.size > maxTargeting {
		if p.flag != nil {
			p.flag.Broken = true
		}
		p.note("is more targeting than a set may have, with its $refs", "less", true)
		return nil
	}
	rule, mistakes := rules.Compile(p.node, p.path)
	p.addOnce(mistakes)
	if p.flag != nil && slices.ContainsFunc(mistakes, func(m tree.Mistake) bool { return m.Broken }) {
		p.flag.Broken = true
	}
	return rule
}

// results finds what the rule can give that is no variant.
func (p place) results(literals []logic.Literal) {
	f := p.flag
	for _, literal := range literals {
		name := literal.Value.Text()
		if f.variant(name) >= 0 || p.full() {
			continue
		}
		at := p.inner(literal.Path, literal.Node)
		problem := "names no variant "
		if literal.Computed {
			problem = "can give " + name + ", and there is no variant "
		}
		problem += tree.Quote(name)
		if !strings.HasPrefix(literal.Path, p.path) { // it is an evaluator's
			problem += " of flag " + tree.Quote(f.Key)
		}
		at.wrong(problem, p.meant(name, f.names()))
	}
}
