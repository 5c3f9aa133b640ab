package logic

import (
	"strings"

	"github.com/handover-go/handover/flags/internal/bucket"
	"github.com/handover-go/handover/flags/internal/tree"
)

// Scope is what a rule may look at. A rule does not write to it.
type Scope struct {
	Key        string         // of the subject: targetingKey; "" is none
	Attributes map[string]any // of the subject
	Now        int64          // $flagd.timestamp, in seconds
}

// Rule is a compiled expression. It may be called from any goroutine and does not
// panic or block. It allocates for computed lists and texts, and once if it loops.
type Rule func(*Scope) Value

// Compiler compiles the rules of one flag. It is for one goroutine; its rules are for
// all. One that is given flag after flag of a document, by its Flag and Seed, makes a
// list that they share by a $ref only once: of 500 flags with a list of 50,000, it matters.
type Compiler struct {
	Flag       string // its key
	Seed       string // "" means Flag; what v1 buckets with
	Bucketing  bucket.Algorithm
	Evaluators map[string]*tree.Node // $evaluators, for $ref; it does not change after the first Compile

	literals []Literal
	lists    map[*tree.Node]Value
	names    []string // of Evaluators
	chosen   chooser
}

// Literal is something that the rule can give, found without evaluating it.
type Literal struct {
	Value Value      // never null; Value.Rule is below the flag, Path below the document
	Path  string     // flags.new-checkout-flow.targeting.if[1]
	Node  *tree.Node // where it stands

	// Computed is set if an operator gives it: a rule that is a comparison gives true
	// and false, and its flag needs variants of these names.
	Computed bool
}

// Compile compiles a rule that stands at path, as in "flags.new-checkout-flow.targeting".
// The paths of mistakes begin with that, Value.Rule with what follows the flag's name:
// "targeting.if[1]". What comes from an evaluator has its place: "$evaluators.staff.if[1]".
//
// The mistakes are all that it found, at most 100. The rule can be evaluated even then,
// as flagd would; where flagd fails as well, the mistake is Broken and the value null.
func (c *Compiler) Compile(rule *tree.Node, path string) (Rule, []tree.Mistake) {
	w := &work{Compiler: c, operators: operators(), inFlag: tree.Join("flags", c.Flag) + "."}
	t := w.compile(rule, path, either)
	c.literals, c.chosen = w.literals, chooser{}
	if !w.loops {
		c.chosen = t.chooser
	}
	return w.rule(t.run), w.mistakes
}

// Literals are what the rule that was compiled last can give, in the document's order.
// One that a $ref brings in twice is there twice.
func (c *Compiler) Literals() []Literal { return c.literals }

func (w *work) rule(run expr) Rule {
	if w.loops {
		return func(s *Scope) Value { return run.bounded(s) }
	}
	return func(s *Scope) Value {
		if s == nil {
			s = &Scope{}
		}
		return run(s, nil).settled()
	}
}

// below is the path of a literal as Value.Rule has it.
func (w *work) below(path string) string { return strings.TrimPrefix(path, w.inFlag) }
