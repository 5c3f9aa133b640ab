package logic

import (
	"github.com/handover-go/handover/flags/internal/bucket"
	"github.com/handover-go/handover/flags/internal/tree"
)

// placing is where the subject falls, of total; false if there is nothing to go by.
type placing func(s *Scope, l *loop, total uint32) (uint32, bool)

// placing is by the first argument if that is no arm, and otherwise by the subject's
// key; first is the first arm.
func (w *work) placing(c *call) (place placing, first int) {
	if len(c.args) == 0 || c.args[0].Kind == tree.Array {
		return w.byKey(), 0
	}
	node, path := c.args[0], c.argPath(0)
	if parts, ok := catOf(node); ok {
		return w.byCat(&call{node: node, path: path + ".cat", args: parts}, path), 1
	}
	by := w.compile(node, path, neither)
	if by.constant {
		w.constantKey(node, path)
	}
	return w.byText(by.run, w.explicitSalt()), 1
}

func (w *work) constantKey(n *tree.Node, path string) {
	w.mistake(n, path, "a rollout by a constant: everybody falls into one arm", `what differs between subjects, as in {"var": "account"}`)
}

// salt is what keeps the rollouts of different flags apart.
func (w *work) salt() string {
	if w.Bucketing == bucket.V1 && w.Seed != "" {
		return w.Seed
	}
	return w.Flag
}

// explicitSalt goes before what the rule goes by: with flagd, that is all there is; v1
// keeps flags independent even then.
func (w *work) explicitSalt() string {
	if w.Bucketing == bucket.V1 {
		return w.salt()
	}
	return ""
}

func (w *work) byKey() placing {
	salt, algorithm := w.salt(), w.Bucketing
	return func(s *Scope, _ *loop, total uint32) (uint32, bool) {
		if s.Key == "" {
			return 0, false
		}
		return algorithm.Place(salt, s.Key, total), true
	}
}

// byText goes by a text. Without one it goes by the key; anything else, a number too,
// is nothing to go by, as in flagd: {"cat": [x]} makes a text of it.
func (w *work) byText(by expr, salt string) placing {
	byKey, algorithm := w.byKey(), w.Bucketing
	return func(s *Scope, l *loop, total uint32) (uint32, bool) {
		switch v := by(s, l); {
		case v.kind == null || v.kind == text && v.text == "":
			return byKey(s, l, total)
		case v.kind != text:
			return 0, false
		default:
			return algorithm.Place(salt, v.text, total), true
		}
	}
}

// catOf are the arguments of {"cat": […]}.
func catOf(n *tree.Node) ([]*tree.Node, bool) {
	if n.Kind == tree.Object && len(n.Members) == 1 && n.Members[0].Name == "cat" && n.Members[0].Value != nil {
		return n.Members[0].Value.Items, len(n.Members[0].Value.Items) > 0
	}
	return nil, false
}

// byCat goes by texts put together. If only the constants among them are there it goes
// by the key: {"cat": [{"var": "$flagd.flagKey"}, {"var": "account"}]} would put
// everybody without an account into one arm, and a rollout of 1 % may be to all of them.
func (w *work) byCat(c *call, path string) placing {
	parts := make([]term, len(c.args))
	constants := 0
	for i := range c.args {
		parts[i] = w.arg(c, i, neither)
		if parts[i].constant {
			constants++
		}
	}
	if constants == len(parts) {
		w.constantKey(c.node, path)
		return w.byText(w.joined(parts), w.explicitSalt())
	}
	if w.Bucketing != bucket.V1 && len(parts) == 2 && parts[0].constant {
		return w.bySalted(parts[0].value.Text(), parts[1].run)
	}
	return w.byText(w.joined(parts), w.explicitSalt())
}

// bySalted is byCat for a constant and one other: with flagd, a salt is what stands
// before the key, and so nothing has to be put together.
func (w *work) bySalted(salt string, by expr) placing {
	byKey, algorithm := w.byKey(), w.Bucketing
	return func(s *Scope, l *loop, total uint32) (uint32, bool) {
		v := by(s, l)
		if v.kind == object {
			return 0, false // they all have one text, and would fall into one arm
		}
		key := v.Text()
		if key == "" {
			return byKey(s, l, total)
		}
		return algorithm.Place(salt, key, total), true
	}
}

// joined is null if only the constants are there, and no text if one is an object.
func (w *work) joined(parts []term) expr {
	fixed := 0
	for _, part := range parts {
		if part.constant {
			fixed++
		}
	}
	return func(s *Scope, l *loop) Value {
		var buffer [128]byte
		b, found := buffer[:0], fixed == len(parts)
		for _, part := range parts {
			before, v := len(b), part.run(s, l)
			if v.kind == object {
				return v // no key
			}
			b = v.appendText(b, 0)
			found = found || !part.constant && len(b) > before
			if len(b) > maxText {
				return Value{}
			}
		}
		if !found || !l.spend(0, len(b)) {
			return Value{}
		}
		return Value{kind: text, text: string(b)}
	}
}
