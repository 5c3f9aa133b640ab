package flagstest

import (
	"context"
	"errors"
	"fmt"

	"github.com/handover-go/handover/flags"
)

// rule is a sentence of the contract, and what finds who breaks it.
type rule struct {
	name  string
	needs needs
	check func(context.Context, Store) error
}

func rules() []rule {
	return []rule{
		{"what was set comes back whole", 0, comesBack},
		{"a change comes back whole, and at once", 0, changesWhole},
		{"a document that was returned stays as it was", 0, staysReturned},
		{"what has not changed is the same again", 0, sameAgain},
		{"a revision rises with each change", 0, revisionRises},
		{"a store that is gone is an error", aBreak, goneIsAnError},
		{"Load ends with its context", 0, loadEnds},
		{"Load ends with its context when the store hangs", aStall, loadEndsStalled},
		{"Watch tells of its start and of each change", aWatcher, watchTells},
		{"Watch tells of a repair", aWatcher | aBreak, watchTellsOfRepair},
		{"Watch ends with its context and leaves nothing", aWatcher, watchEnds},
		{"Watch ends with its context when the store is gone", aWatcher | aBreak, watchEndsGone},
		{"a kill reaches a request that is pinned", 0, killReaches},
		{"a client outlives a store that is gone", aBreak, clientOutlives},
	}
}

// run checks a store, which is repaired when it returns.
func (r rule) run(ctx context.Context, s Store) error {
	err := r.check(ctx, s)
	if r.needs&(aBreak|aStall) != 0 {
		err = errors.Join(err, s.repairs(ctx))
	}
	if err != nil {
		return fmt.Errorf("flagstest: %s: %w", r.name, err)
	}
	return nil
}

// needs are what a rule cannot be checked without.
type needs uint8

const (
	aBreak needs = 1 << iota
	aStall
	aWatcher
)

// missing is why a rule has nothing to say about this store; "" if it has.
func (n needs) missing(s Store) string {
	_, watcher := s.Source.(flags.Watcher)
	switch {
	case n&aWatcher != 0 && !watcher:
		return "the source is no flags.Watcher"
	case n&aBreak != 0 && s.Break == nil:
		return "Store.Break is nil"
	case n&aStall != 0 && s.Stall == nil:
		return "Store.Stall is nil"
	}
	return ""
}

// step is a part of a check.
type step func(context.Context) error

// inOrder takes step after step, until one fails.
func inOrder(ctx context.Context, steps ...step) error {
	for _, take := range steps {
		if err := take(ctx); err != nil {
			return err
		}
	}
	return nil
}
