package flagstest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/handover-go/handover/flags"
)

const (
	patience = 10 * time.Second // for what nobody has promised a time
	soon     = 2 * time.Second  // after a context has ended
)

var errStuck = errors.New("the Load has not returned after its context has ended")

// load is a Load that is waited for until soon after its context has ended.
func (s Store) load(ctx context.Context, timeout time.Duration) (flags.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	type answer struct {
		doc flags.Document
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		doc, err := s.Source.Load(ctx)
		answers <- answer{doc, err}
	}()
	select {
	case a := <-answers:
		return a.doc, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-answers:
		return a.doc, a.err
	case <-time.After(soon):
		return flags.Document{}, errStuck
	}
}

// puts sets a generation.
func (s Store) puts(generation int, state string) step {
	return func(context.Context) error {
		if err := s.Set(definitions(generation, state)); err != nil {
			return fmt.Errorf("Store.Set: %w", err)
		}
		return nil
	}
}

// gives loads, and says what is not as it was set.
func (s Store) gives(generation int) step {
	return func(ctx context.Context) error {
		_, err := s.given(ctx, generation)
		return err
	}
}

func (s Store) given(ctx context.Context, generation int) (flags.Document, error) {
	doc, err := s.load(ctx, patience)
	if err != nil {
		return doc, fmt.Errorf("after Set: %w", err)
	}
	return doc, differs(doc, generation, enabled)
}

// set sets a generation, and returns what a Load then gives.
func (s Store) set(ctx context.Context, generation int) (flags.Document, error) {
	if err := s.puts(generation, enabled)(ctx); err != nil {
		return flags.Document{}, err
	}
	return s.given(ctx, generation)
}

// sets is set, as a step.
func (s Store) sets(generation int) step {
	return func(ctx context.Context) error {
		_, err := s.set(ctx, generation)
		return err
	}
}

func (s Store) breaks(context.Context) error {
	if err := s.Break(); err != nil {
		return fmt.Errorf("Store.Break: %w", err)
	}
	return nil
}

func (s Store) stalls(context.Context) error {
	if err := s.Stall(); err != nil {
		return fmt.Errorf("Store.Stall: %w", err)
	}
	return nil
}

func (s Store) repairs(context.Context) error {
	if err := s.Repair(); err != nil {
		return fmt.Errorf("Store.Repair: %w", err)
	}
	return nil
}

// fails loads twice, and expects two errors.
func (s Store) fails(timeout time.Duration) step {
	return func(ctx context.Context) error {
		for range 2 {
			switch doc, err := s.load(ctx, timeout); {
			case errors.Is(err, errStuck):
				return err
			case err == nil:
				return fmt.Errorf("a Load gave %d bytes and no error of a store that does not answer: "+
					"an error keeps the set in force, and lets it become stale", len(doc.JSON))
			}
		}
		return nil
	}
}

// waits gives what has happened the time to be told.
func waits(d time.Duration) step {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
}
