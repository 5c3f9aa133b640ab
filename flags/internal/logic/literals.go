package logic

import (
	"slices"

	"github.com/handover-go/handover/flags/internal/tree"
)

// textList is a list of texts that stands in the document: those who are let in.
type textList struct {
	texts []string
	set   map[string]struct{} // if there are many
}

// fewTexts is up to where looking at each is as fast as a map.
const fewTexts = 8

func (t *textList) has(x string) bool {
	if t.set == nil {
		return slices.Contains(t.texts, x)
	}
	_, found := t.set[x]
	return found
}

func scalars(items []*tree.Node) bool {
	return !slices.ContainsFunc(items, func(n *tree.Node) bool {
		return n == nil || n.Kind == tree.Array || n.Kind == tree.Object
	})
}

// listOf is a list of scalars. A long one that many flags have by a $ref is made once.
func (w *work) listOf(n *tree.Node, path string) Value {
	if v, ok := w.lists[n]; ok {
		return v
	}
	if !w.admitLiterals(len(n.Items), n, path) {
		return Value{}
	}
	v := Value{kind: list}
	if slices.ContainsFunc(n.Items, func(item *tree.Node) bool { return item.Kind != tree.String }) {
		values := make([]Value, len(n.Items))
		for i, item := range n.Items {
			values[i] = scalar(item)
		}
		v.many = values
	} else {
		v.many = newTextList(n.Items)
	}
	if w.lists == nil {
		w.lists = map[*tree.Node]Value{}
	}
	w.lists[n] = v
	return v
}

func newTextList(items []*tree.Node) *textList {
	t := &textList{texts: make([]string, len(items))}
	for i, item := range items {
		t.texts[i] = item.Text
	}
	if len(items) > fewTexts {
		t.set = make(map[string]struct{}, len(items))
		for _, one := range t.texts {
			t.set[one] = struct{}{}
		}
	}
	return t
}

func scalar(n *tree.Node) Value {
	switch n.Kind {
	case tree.Bool:
		return truth(n.Bool, false)
	case tree.Number:
		return Value{kind: number, number: n.Number}
	case tree.String:
		return Value{kind: text, text: n.Text}
	}
	return Value{}
}
