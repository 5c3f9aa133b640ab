package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/handover-go/handover/flags/internal/tree"
)

// ErrNoShare is of a definition that a ramp cannot move.
var ErrNoShare = errors.New(`its targeting has to have one fractional, with one arm that is true and one that is false: {"fractional": [["on", 0], ["off", 100]]}`)

// Share is the percentage of subjects for whom a definition is true, where its
// fractional is asked.
func Share(definition json.RawMessage) (float64, error) {
	root, err := parse(definition)
	if err != nil {
		return 0, err
	}
	return ShareOf(root)
}

// ShareOf is Share of a definition that has been parsed.
func ShareOf(flag *tree.Node) (float64, error) {
	s, err := find(flag)
	switch {
	case err != nil:
		return 0, err
	case s.fractional == nil:
		return 0, nil
	}
	on, off := weight(s.on), weight(s.off)
	if on+off == 0 {
		return 0, nil
	}
	return math.Round(on/(on+off)*100_000) / 1000, nil
}

// WithShare is the definition with another share, in thousandths of a percent.
func WithShare(definition json.RawMessage, percentage float64) (json.RawMessage, error) {
	root, err := parse(definition)
	if err != nil {
		return nil, err
	}
	if err := SetShare(root, percentage); err != nil {
		return nil, err
	}
	return root.JSON(), nil
}

// SetShare is WithShare of a definition that has been parsed.
func SetShare(flag *tree.Node, percentage float64) error {
	if !(percentage >= 0 && percentage <= 100) { // NaN is neither
		return fmt.Errorf("a share of %v %%: it goes from 0 to 100", percentage)
	}
	s, err := find(flag)
	if err != nil {
		return err
	}
	on, total := percentage, 100.0
	if on != math.Trunc(on) {
		on, total = math.Round(on*1000), 100_000
	}
	if s.fractional == nil {
		s.on, s.off = arm(s.names[true]), arm(s.names[false])
		fractional := &tree.Node{Kind: tree.Array, Items: []*tree.Node{s.on, s.off}}
		put(flag, "targeting", &tree.Node{Kind: tree.Object, Members: []tree.Member{{Name: "fractional", Value: fractional}}})
	}
	weigh(s.on, on)
	weigh(s.off, total-on)
	return nil
}

// Disable is for a flag whose share cannot be set.
func Disable(flag *tree.Node) {
	if flag.Kind == tree.Object {
		put(flag, "state", &tree.Node{Kind: tree.String, Text: "DISABLED"})
	}
}

func parse(definition json.RawMessage) (*tree.Node, error) {
	root, mistakes := tree.Parse(definition)
	if root == nil {
		return nil, errors.New(mistakes[0].String())
	}
	return root, nil
}

// split is the fractional of a flag; nil if it has no targeting.
type split struct {
	fractional, on, off *tree.Node
	names               map[bool]string // of the variants
}

func find(flag *tree.Node) (split, error) {
	s := split{names: map[bool]string{}}
	values, err := s.values(flag.Get("variants"))
	if err != nil {
		return s, err
	}
	targeting := flag.Get("targeting")
	if targeting == nil || targeting.Kind == tree.Null || targeting.Kind == tree.Object && len(targeting.Members) == 0 {
		if usual := flag.Get("defaultVariant"); usual != nil && values[usual.Text] {
			return s, errors.New(`it has no targeting and is on for everybody: make "off" its defaultVariant`)
		}
		return s, nil
	}
	var all []*tree.Node
	collect(targeting, &all)
	if len(all) != 1 || !s.arms(all[0], values) {
		return s, ErrNoShare
	}
	s.fractional = all[0]
	return s, nil
}

// values are those of the variants, by name.
func (s *split) values(variants *tree.Node) (map[string]bool, error) {
	if variants == nil {
		return nil, errors.New(`it has no variants: a ramp is of a boolean flag: {"on": true, "off": false}`)
	}
	values := map[string]bool{}
	for _, v := range variants.Members {
		if v.Value.Kind != tree.Bool {
			return nil, fmt.Errorf("its variant %s is %s: a ramp is of a boolean flag", tree.Quote(v.Name), v.Value.Kind)
		}
		values[v.Name] = v.Value.Bool
		s.names[v.Value.Bool] = v.Name
	}
	if len(s.names) < 2 {
		return nil, errors.New(`its variants are not both true and false: {"on": true, "off": false}`)
	}
	return values, nil
}

// collect finds the fractionals, in the order of the document.
func collect(n *tree.Node, all *[]*tree.Node) {
	for _, item := range n.Items {
		collect(item, all)
	}
	for _, m := range n.Members {
		if m.Name == "fractional" {
			*all = append(*all, m.Value)
		}
		if m.Name == "$ref" { // what it stands for may be used by other flags
			*all = append(*all, nil)
		}
		collect(m.Value, all)
	}
}

// arms reports whether they are two that are constant, one true and one false.
func (s *split) arms(fractional *tree.Node, values map[string]bool) bool {
	if fractional == nil {
		return false
	}
	items := fractional.Items
	if len(items) > 0 && items[0].Kind != tree.Array { // what is bucketed by
		items = items[1:]
	}
	if len(items) != 2 || !constant(items[0], values) || !constant(items[1], values) {
		return false
	}
	s.on, s.off = items[0], items[1]
	if values[items[1].Items[0].Text] {
		s.on, s.off = items[1], items[0]
	}
	return values[s.on.Items[0].Text] && !values[s.off.Items[0].Text]
}

// constant reports whether an arm is a variant, and a weight that is no rule.
func constant(arm *tree.Node, values map[string]bool) bool {
	if arm.Kind != tree.Array || len(arm.Items) == 0 || len(arm.Items) > 2 || arm.Items[0].Kind != tree.String {
		return false
	}
	_, known := values[arm.Items[0].Text]
	return known && (len(arm.Items) == 1 || arm.Items[1].Kind == tree.Number && arm.Items[1].Number >= 0)
}

func arm(variant string) *tree.Node {
	return &tree.Node{Kind: tree.Array, Items: []*tree.Node{{Kind: tree.String, Text: variant}}}
}

// weight of an arm without one is 1.
func weight(arm *tree.Node) float64 {
	if len(arm.Items) < 2 {
		return 1
	}
	return arm.Items[1].Number
}

func weigh(arm *tree.Node, weight float64) {
	n := &tree.Node{Kind: tree.Number, Number: weight, Text: strconv.FormatFloat(weight, 'f', -1, 64)}
	arm.Items = append(arm.Items[:1], n)
}

func put(object *tree.Node, name string, value *tree.Node) {
	for i := range object.Members {
		if object.Members[i].Name == name {
			object.Members[i].Value = value
			return
		}
	}
	object.Members = append(object.Members, tree.Member{Name: name, Value: value})
}
