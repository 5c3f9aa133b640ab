package logic

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/handover-go/handover/flags/internal/tree"
)

// cat puts texts together; numbers and booleans become texts, null is nothing.
func (w *work) cat(c *call) term {
	all := w.args(c)
	return computed(func(s *Scope, l *loop) Value {
		var buffer [128]byte
		joined := buffer[:0]
		for _, one := range all {
			joined = one(s, l).appendText(joined, 0)
			if len(joined) > maxText {
				return Value{}
			}
		}
		if !l.spend(0, len(joined)) {
			return Value{}
		}
		return Value{kind: text, text: string(joined)}
	})
}

// substr counts characters: from a start (from the end if it is negative) as many as
// there are, or a number of them, or, if that is negative, all but the last ones.
func (w *work) substr(c *call) term {
	if len(c.args) < 2 {
		w.args(c)
		return nothing()
	}
	all := w.args(c)
	return computed(func(s *Scope, l *loop) Value {
		whole := all[0](s, l).Text()
		if !l.spend(0, len(whole)) {
			return Value{}
		}
		count := utf8.RuneCountInString(whole)
		from := clamp(all[1](s, l).toNumber(), count)
		if from < 0 {
			from = max(0, count+from)
		}
		to := count
		if len(all) > 2 {
			if n := clamp(all[2](s, l).toNumber(), count); n < 0 {
				to = count + n
			} else {
				to = min(count, from+n)
			}
		}
		if from >= to {
			return Value{kind: text}
		}
		return Value{kind: text, text: whole[offset(whole, from):offset(whole, to)]}
	})
}

// clamp makes of any number one from -n to n; of one that is none, 0.
func clamp(f float64, n int) int {
	if math.IsNaN(f) {
		return 0
	}
	return int(max(float64(-n), min(float64(n), f)))
}

// offset is where the nth character begins.
func offset(s string, n int) int {
	for at := range s {
		if n == 0 {
			return at
		}
		n--
	}
	return len(s)
}

func (w *work) startsWith(c *call) term { return w.affix(c, strings.HasPrefix) }

func (w *work) endsWith(c *call) term { return w.affix(c, strings.HasSuffix) }

// affix is null, and not false, for what are no texts: as in flagd.
func (w *work) affix(c *call, holds func(whole, part string) bool) term {
	for i, arg := range c.args {
		if arg.Kind != tree.String && arg.Kind != tree.Object {
			w.mistake(arg, c.argPath(i), fmt.Sprintf("%s is no text", written(arg)), `a text, as in "@example.com"`)
		}
	}
	if len(c.args) != 2 {
		w.args(c)
		return nothing()
	}
	whole, part := w.arg(c, 0, neither), w.arg(c, 1, neither)
	first, second := whole.run, part.run
	run := func(s *Scope, l *loop) Value {
		a, b := first(s, l), second(s, l)
		if a.kind != text || b.kind != text {
			return Value{Skipped: a.Skipped || b.Skipped}
		}
		return truth(holds(a.text, b.text), a.Skipped || b.Skipped)
	}
	t := computed(run)
	if affix := part.value.text; affix != "" {
		t.test = whole.ofText(func(x string) bool { return holds(x, affix) }, t.asked()).test
	}
	return t
}

// written is how a node looks in a message.
func written(n *tree.Node) string {
	switch n.Kind {
	case tree.Null:
		return "null"
	case tree.Bool:
		return fmt.Sprint(n.Bool)
	case tree.Number:
		return fmt.Sprint(n.Number)
	case tree.String:
		return tree.Quote(n.Text)
	case tree.Array:
		return "a list"
	default:
		return "an object"
	}
}
