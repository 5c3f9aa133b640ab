package ramp

import (
	"errors"
	"fmt"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
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

// extension is a member of its definition; nil if there is none.
func (f *Flag) extension(name string) (*tree.Node, error) {
	if !f.defined() {
		return nil, nil
	}
	root, mistakes := tree.Parse(f.Definition)
	if root == nil {
		return nil, errors.New(mistakes[0].String())
	}
	return root.Get(name), nil
}

// xguard says what is wrong with that of its definition: who watches goes by the bounds
// before, and nothing is widened on those.
func (f *Flag) xguard() error {
	node, err := f.extension("x-guard")
	if node == nil {
		return err
	}
	if _, err = guard.Parse(node.JSON()); err != nil {
		return fmt.Errorf("its guard is refused: %w", unplaced(err))
	}
	return nil
}

// unplaced are mistakes without lines, which are of a text that nobody has written.
func unplaced(err error) error {
	if all, ok := errors.AsType[*flags.DocumentError](err); ok {
		for i := range all.Mistakes {
			all.Mistakes[i].Line, all.Mistakes[i].Column = 0, 0
		}
	}
	return err
}

// xramp is that of its definition; nil if there is none.
func (f *Flag) xramp() (*rollout.Plan, error) {
	node, err := f.extension("x-ramp")
	if node == nil {
		return nil, err
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
