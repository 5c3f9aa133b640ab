package flagstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/flags"
)

func comesBack(ctx context.Context, s Store) error {
	for generation := range 8 { // the last one has fewer flags
		if _, err := s.set(ctx, generation); err != nil {
			return err
		}
	}
	return nil
}

// changesWhole sets one generation after the other while it loads.
func changesWhole(ctx context.Context, s Store) error {
	const last = 20
	if _, err := s.set(ctx, 0); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var floor atomic.Int64 // what has been set
	loading, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.keepsSetting(ctx, last, loading, &floor) }()
	for {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			return s.gives(last)(ctx)
		case loading <- struct{}{}: // a Set begins
		default:
		}
		if err := s.givesOne(ctx, &floor); err != nil {
			cancel()
			if wrong := <-done; !errors.Is(wrong, context.Canceled) {
				err = errors.Join(err, wrong)
			}
			return err
		}
	}
}

// keepsSetting sets the next generation when a Load begins.
func (s Store) keepsSetting(ctx context.Context, last int, loading <-chan struct{}, floor *atomic.Int64) error {
	for generation := 1; generation <= last; generation++ {
		select {
		case <-loading:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := s.puts(generation, enabled)(ctx); err != nil {
			return err
		}
		floor.Store(int64(generation))
	}
	return nil
}

// givesOne says whether a Load gives one generation, and none that was followed by
// another before it began. An error is nothing: the set in force stays.
func (s Store) givesOne(ctx context.Context, floor *atomic.Int64) error {
	least := floor.Load()
	doc, err := s.load(ctx, patience)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	n, err := generation(doc)
	switch {
	case err != nil:
		return fmt.Errorf("a Load while generation %d was followed by the next: %w", least, err)
	case int64(n) < least:
		return fmt.Errorf("a Load gave generation %d after %d had been set", n, least)
	}
	return nil
}

func staysReturned(ctx context.Context, s Store) error {
	doc, err := s.set(ctx, 1)
	if err != nil {
		return err
	}
	before := bytes.Clone(doc.JSON)
	for generation := 2; generation < 5; generation++ {
		if _, err := s.set(ctx, generation); err != nil {
			return err
		}
		if !bytes.Equal(before, doc.JSON) {
			return errors.New("a later Load has written to a document that was returned: give each its own bytes")
		}
	}
	return nil
}

func sameAgain(ctx context.Context, s Store) error {
	first, err := s.set(ctx, 1)
	if err != nil {
		return err
	}
	for range 5 {
		doc, err := s.given(ctx, 1)
		switch {
		case err != nil:
			return err
		case !bytes.Equal(doc.JSON, first.JSON):
			return errors.New("a Load gave other bytes though nothing had changed, which a Client takes for a change: put keys into an order")
		case doc.Revision != first.Revision:
			return fmt.Errorf("a Load gave revision %d and the next one %d, though nothing had changed", first.Revision, doc.Revision)
		}
	}
	return nil
}

func revisionRises(ctx context.Context, s Store) error {
	var before flags.Document
	for generation := 1; generation < 6; generation++ {
		doc, err := s.set(ctx, generation)
		if err != nil {
			return err
		}
		none := doc.Revision == 0 && before.Revision == 0
		switch first := generation == 1; {
		case doc.Revision < 0:
			return fmt.Errorf("the revision is %d: count from 1, or give none", doc.Revision)
		case !first && !none && (before.Revision == 0 || doc.Revision <= before.Revision):
			return fmt.Errorf("the revision was %d, and after a change it is %d", before.Revision, doc.Revision)
		}
		before = doc
	}
	return nil
}

func goneIsAnError(ctx context.Context, s Store) error {
	return inOrder(ctx, s.sets(1), s.breaks, s.fails(patience), s.repairs, s.gives(1), s.sets(2))
}

func loadEndsStalled(ctx context.Context, s Store) error {
	return inOrder(ctx, s.sets(1), s.stalls, s.fails(100*time.Millisecond), s.repairs, s.gives(1))
}

func loadEnds(ctx context.Context, s Store) error {
	ended := func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		doc, err := s.load(ctx, patience)
		if errors.Is(err, errStuck) {
			return err
		}
		if err == nil { // it need not look, but what it gives has to be right
			err = differs(doc, 1, enabled)
			if err != nil {
				return fmt.Errorf("with a context that has ended: %w", err)
			}
		}
		return nil
	}
	return inOrder(ctx, s.sets(1), ended, s.gives(1))
}
