package logic

import (
	"slices"
	"strings"
)

// in: is it an element of the list, or a part of the text?
func (w *work) in(c *call) term {
	if len(c.args) < 2 {
		w.args(c)
		return constant(truth(false, false))
	}
	needle, hay := w.arg(c, 0, neither), w.arg(c, 1, neither)
	find, run := needle.run, hay.run
	if hay.constant && hay.value.kind == list {
		return inConstant(needle, hay.value)
	}
	return answer(func(s *Scope, l *loop) (is, skipped bool) {
		v, within := find(s, l), run(s, l)
		return within.contains(&v, l), v.Skipped || within.Skipped
	})
}

func inConstant(needle term, hay Value) term {
	find := needle.run
	general := func(s *Scope, l *loop) (is, skipped bool) {
		v := find(s, l)
		return hay.contains(&v, l), v.Skipped
	}
	if texts, ok := hay.many.(*textList); ok {
		return needle.ofText(texts.has, general)
	}
	return answer(general)
}

func (v *Value) contains(needle *Value, l *loop) bool {
	switch {
	case v.kind == list:
		return v.hasElement(needle, l)
	case v.kind == text && (needle.kind == text || needle.kind == number || needle.kind == boolean):
		return strings.Contains(v.text, needle.Text())
	}
	return false
}

func (v *Value) hasElement(needle *Value, l *loop) bool {
	if texts, ok := v.many.(*textList); ok {
		return needle.kind == text && texts.has(needle.text)
	}
	if !l.spend(v.length(), 0) {
		return false
	}
	switch many := v.many.(type) {
	case []Value:
		return slices.ContainsFunc(many, func(one Value) bool { return one.is(needle) })
	case []string:
		return needle.kind == text && slices.Contains(many, needle.text)
	}
	for i := range v.length() {
		if one := v.at(i); one.is(needle) {
			return true
		}
	}
	return false
}

// merge makes one list of all; what is no list is a list of one.
func (w *work) merge(c *call) term {
	all := w.args(c)
	return computed(func(s *Scope, l *loop) Value {
		merged := []Value{}
		for _, one := range all {
			v := one(s, l)
			if v.kind != list {
				merged = append(merged, v)
				continue
			}
			if !l.spend(v.length(), 0) {
				return Value{}
			}
			for i := range v.length() {
				merged = append(merged, v.at(i))
			}
		}
		return Value{kind: list, many: merged}
	})
}

// missing are the names that name nothing, or "".
func (w *work) missing(c *call) term {
	all := w.args(c)
	return computed(func(s *Scope, l *loop) Value {
		names := make([]Value, 0, len(all))
		for _, one := range all {
			names = append(names, one(s, l))
		}
		if len(names) > 0 && names[0].kind == list { // computed by merge
			return w.absent(s, l, names[0])
		}
		return w.absent(s, l, Value{kind: list, many: names})
	})
}

// missingSome is the empty list if there is enough of it.
func (w *work) missingSome(c *call) term {
	need, names := w.arg(c, 0, neither).run, w.arg(c, 1, neither).run
	return computed(func(s *Scope, l *loop) Value {
		all := names(s, l)
		absent := w.absent(s, l, all)
		if float64(all.length()-absent.length()) >= need(s, l).toNumber() {
			return Value{kind: list, many: []Value{}}
		}
		return absent
	})
}

func (w *work) absent(s *Scope, l *loop, names Value) Value {
	absent := []Value{}
	if !l.spend(names.length(), 0) {
		return Value{}
	}
	for i := range names.length() {
		name := names.at(i)
		v := w.named(s, l, name.Text())
		if v.kind == null || v.kind == text && v.text == "" {
			absent = append(absent, name)
		}
	}
	return Value{kind: list, many: absent}
}
