package manifest

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Field is a place in a manifest, and what is there.
type Field struct {
	// Path leads to it from the top of its document: "spec.containers[0].image".
	Path string
	// Line is that of its key or, if it is not there, of what should have it.
	Line int

	node *yaml.Node // nil: nothing
}

// Get follows keys down. It goes on where nothing is, so that a finding can say
// where something is missing.
func (f Field) Get(keys ...string) Field {
	for _, name := range keys {
		next := Field{Path: strings.TrimPrefix(f.Path+"."+name, "."), Line: f.Line}
		if key, value := lookup(f.node, name); value != nil {
			next.node, next.Line = value, key.Line
		}
		f = next
	}
	return f
}

// lookup finds a key in a mapping: one of its own, or one that `<<` merges.
func lookup(node *yaml.Node, name string) (key, value *yaml.Node) {
	var merged []*yaml.Node
	for key, value := range pairs(node) {
		switch {
		case key.Tag == "!!merge" && value.Kind == yaml.SequenceNode:
			merged = append(merged, value.Content...)
		case key.Tag == "!!merge":
			merged = append(merged, value)
		case key.Value == name:
			return key, value
		}
	}
	for _, m := range merged {
		if key, value := lookup(target(m), name); value != nil {
			return key, value
		}
	}
	return nil, nil
}

// pairs ranges over the keys and values of a mapping, and over nothing else.
func pairs(node *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if node == nil || node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(target(node.Content[i]), target(node.Content[i+1])) {
				return
			}
		}
	}
}

// target is what an alias stands for.
func target(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// Items are those of a list, and none of anything else.
func (f Field) Items() []Field {
	if f.node == nil || f.node.Kind != yaml.SequenceNode {
		return nil
	}
	var items []Field
	for i, node := range f.node.Content {
		items = append(items, Field{fmt.Sprintf("%s[%d]", f.Path, i), node.Line, target(node)})
	}
	return items
}

// Absent is what is not there, and what is null: the API makes no difference.
func (f Field) Absent() bool { return f.node == nil || f.node.Tag == "!!null" }

// Text is that of a scalar, and "" for anything else.
func (f Field) Text() string {
	if f.Absent() || f.node.Kind != yaml.ScalarNode {
		return ""
	}
	return f.node.Value
}

// IsNumber reports whether it is a whole one, and without quotes.
func (f Field) IsNumber() bool { return f.node != nil && f.node.Tag == "!!int" }

// Number is what the API would take the field for: otherwise is its default. With
// a complaint, the API would refuse what is there, and n is the best guess.
func (f Field) Number(least, otherwise int64) (n int64, complaint string) {
	switch {
	case f.Absent():
		return otherwise, ""
	case f.node.Kind != yaml.ScalarNode:
		return otherwise, "is no number: write one"
	case !f.IsNumber():
		return f.unquoted(least, otherwise), fmt.Sprintf("is %s: write a whole number, without quotes", f.written())
	case f.node.Decode(&n) != nil || n > math.MaxInt32:
		return otherwise, fmt.Sprintf("is %s: write at most %d", f.node.Value, math.MaxInt32)
	case n == 0 && least == 1 && otherwise > 0:
		return otherwise, fmt.Sprintf("is 0, which stands for its default: write %d, or what you mean", otherwise)
	case n < least:
		return otherwise, fmt.Sprintf("is %d: write at least %d", n, least)
	}
	return n, ""
}

// unquoted is the number that is meant.
func (f Field) unquoted(least, otherwise int64) int64 {
	if n, err := strconv.ParseInt(f.node.Value, 10, 32); err == nil && n >= least {
		return n
	}
	return otherwise
}

// written is a scalar as it is: a text in quotes, anything else without.
func (f Field) written() string {
	if f.node.Tag == "!!str" {
		return strconv.Quote(f.node.Value)
	}
	return f.node.Value
}
