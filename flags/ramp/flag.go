package ramp

import (
	"errors"
	"fmt"

	"github.com/handover-go/handover/flags/internal/tree"
	"github.com/handover-go/handover/flags/ramp/internal/rollout"
)

// defined reports whether it has a definition; null is what a database says for none.
func (f *Flag) defined() bool { return len(f.Definition) > 0 && string(f.Definition) != "null" }

// share is the percentage that is on, as its row or its definition says.
func (f *Flag) share() (float64, error) {
	switch {
	case f.defined():
		return rollout.Share(f.Definition)
	case f.Percentage != nil:
		return *f.Percentage, nil
	default:
		return 100, nil
	}
}

// widened is a move that gives it another share.
func (f *Flag) widened(share float64) (m Move, err error) {
	m = Move{Key: f.Key, Was: *f, State: Running, Share: share, Widen: true}
	if f.defined() {
		m.Definition, err = rollout.WithShare(f.Definition, share)
	}
	return m, err
}

// xramp is that of its definition; nil if there is none.
func (f *Flag) xramp() (*rollout.Plan, error) {
	if !f.defined() {
		return nil, nil
	}
	root, mistakes := tree.Parse(f.Definition)
	if root == nil {
		return nil, errors.New(mistakes[0].String())
	}
	node := root.Get("x-ramp")
	if node == nil {
		return nil, nil
	}
	plan, mistakes := rollout.PlanOf(node, "x-ramp")
	if len(mistakes) == 0 {
		return &plan, nil
	}
	errs := make([]error, len(mistakes))
	for i, m := range mistakes {
		m.Line, m.Column = 0, 0 // of a text that nobody has written
		errs[i] = errors.New(m.String())
	}
	return nil, fmt.Errorf("its plan is refused: %w", errors.Join(errs...))
}
