package flagstest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/handover-go/handover/flags"
)

// Store is a source, and what a test can do to what it reads from. Its functions return
// when it is done, so that who asks after that is answered by the new state.
type Store struct {
	// Source is what is tested, as a Watcher as well if it has Watch. In a
	// struct{ flags.Source } it has none.
	Source flags.Source

	// Set exchanges the definitions for these: metadata, $evaluators and flags, not
	// more than 20 of them. Metadata's flagSetId and version are the store's own to
	// give. It is called before anything is asked, and again and again.
	Set func(definitions []byte) error

	// Break takes the definitions away: the file is deleted, the server down. Load
	// shall fail until Repair, which brings back what was set last. nil passes over
	// what needs it.
	Break func() error

	// Stall lets questions hang, until Repair: the server accepts connections and says
	// nothing. nil passes over what needs it.
	Stall func() error

	// Repair ends Break and Stall.
	Repair func() error

	// Within is how long after a change a Watcher has called changed. Default 1 s,
	// which is how fast a kill is promised to be.
	Within time.Duration
}

// TestSource tests a source against each rule of the contract, in subtests. open makes
// a store for one of them, which no other uses, and cleans up with t.Cleanup.
func TestSource(t *testing.T, open func(t *testing.T) Store) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			store := open(t)
			if err := store.complete(); err != nil {
				t.Fatal(err)
			}
			if why := r.needs.missing(store); why != "" {
				t.Skip(why)
			}
			if err := r.run(t.Context(), store); err != nil {
				t.Error(err)
			}
		})
	}
}

// CheckSource tests one store against all rules, and returns what is broken: for who
// expects a failure, or has no testing.T. It takes seconds for a source that is right,
// and may take a minute for one that is not.
func CheckSource(ctx context.Context, store Store) error {
	if err := store.complete(); err != nil {
		return err
	}
	var broken []error
	for _, r := range rules() {
		if r.needs.missing(store) == "" {
			broken = append(broken, r.run(ctx, store))
		}
	}
	return errors.Join(broken...)
}

// complete fills in the defaults, and says what is missing.
func (s *Store) complete() error {
	var wrong []error
	if s.Source == nil {
		wrong = append(wrong, errors.New("flagstest: Store.Source is nil: give what is to be tested"))
	}
	if s.Set == nil {
		wrong = append(wrong, errors.New("flagstest: Store.Set is nil: give what changes the definitions"))
	}
	if (s.Break != nil || s.Stall != nil) && s.Repair == nil {
		wrong = append(wrong, errors.New("flagstest: Store.Repair is nil: give what ends Break and Stall"))
	}
	if s.Within <= 0 {
		s.Within = time.Second
	}
	return errors.Join(wrong...)
}
