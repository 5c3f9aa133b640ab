package logic

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/flags/internal/tree"
)

const (
	targetingKey = "targetingKey"
	flagdKey     = "$flagd.flagKey"
	flagdNow     = "$flagd.timestamp"

	maxName = 1024 // bytes of the path of a variable
)

// lookup finds what a dotted path names. In a loop it begins at the element.
func lookup(s *Scope, l *loop, path string) Value {
	var v Value
	for first := true; path != ""; {
		var step string
		step, path, _ = strings.Cut(path, ".")
		switch {
		case step == "":
			continue // as flagd: "a..b" is "a.b"
		case first:
			v, first = start(s, l, step), false
		default:
			v = v.member(step)
		}
		if v.kind == null {
			return v
		}
	}
	return v
}

// start is the first step of a path.
func start(s *Scope, l *loop, step string) Value {
	switch {
	case l != nil && l.inside:
		return l.member(step)
	case step != targetingKey:
		return of(s.Attributes[step])
	case s.Key == "":
		return Value{}
	}
	return Value{kind: text, text: s.Key}
}

// named is a variable by a name that the rule computes.
func (w *work) named(s *Scope, l *loop, name string) Value {
	switch {
	case name == "":
		return everything(s, l)
	case name == flagdKey:
		return Value{kind: text, text: w.Flag}
	case name == flagdNow:
		return now(s, l)
	case strings.HasPrefix(name, "$flagd"):
		return Value{} // an attribute of that name must not pass for flagd's own
	}
	return lookup(s, l, name)
}

func now(s *Scope, _ *loop) Value { return Value{kind: number, number: float64(s.Now)} }

func everything(s *Scope, l *loop) Value {
	if l != nil && l.inside {
		return l.item
	}
	return of(s.Attributes)
}

// variable is var: a name, or a name and what stands in for it.
func (w *work) variable(c *call) term {
	if len(c.args) == 0 {
		return computed(everything)
	}
	t := w.variableNamed(c)
	if len(c.args) < 2 {
		return t
	}
	otherwise := w.arg(c, 1, c.out).run
	run := t.run
	return computed(func(s *Scope, l *loop) Value {
		if v := run(s, l); v.kind != null {
			return v
		}
		return otherwise(s, l)
	})
}

func (w *work) variableNamed(c *call) term {
	node, path := c.args[0], c.argPath(0)
	var name string
	switch node.Kind {
	case tree.Null:
	case tree.String, tree.Number:
		name = node.Text
	default:
		computedName := w.arg(c, 0, neither)
		if computedName.constant {
			w.mistake(node, path, "the name of a variable is a text", `as in {"var": "country"}`)
		}
		return computed(func(s *Scope, l *loop) Value {
			v := computedName.run(s, l)
			if v.kind == list {
				v = v.member("0")
			}
			return w.named(s, l, v.Text())
		})
	}
	return w.variableCalled(node, path, name)
}

func (w *work) variableCalled(node *tree.Node, path, name string) term {
	switch {
	case len(name) > maxName:
		w.broken(node, path, fmt.Sprintf("the name of a variable has %d bytes", len(name)), fmt.Sprintf("at most %d", maxName))
		return nothing()
	case name == "":
		return computed(everything)
	case name == flagdKey:
		return constant(Value{kind: text, text: w.Flag})
	case name == flagdNow:
		return computed(now)
	case strings.HasPrefix(name, "$flagd."):
		w.mistake(node, path, "there is no variable "+tree.Quote(name), flagdKey+" or "+flagdNow)
		return nothing()
	case name == "$flagd":
		return nothing()
	case name == targetingKey || strings.Contains(name, "."):
		return computed(func(s *Scope, l *loop) Value { return lookup(s, l, name) })
	}
	return attribute(name)
}

func attribute(name string) term {
	run := func(s *Scope, l *loop) Value {
		if l != nil && l.inside {
			return l.member(name)
		}
		return of(s.Attributes[name])
	}
	return term{name: name, run: run, test: func(s *Scope, l *loop) (is, skipped bool) {
		if l == nil {
			if x, ok := s.Attributes[name].(bool); ok {
				return x, false
			}
		}
		v := run(s, l)
		return v.Truthy(), v.Skipped
	}}
}
