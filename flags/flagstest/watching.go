package flagstest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

func watchTells(ctx context.Context, s Store) error {
	w := newWatch(s)
	defer w.end()
	err := inOrder(ctx, s.sets(1), w.starts, w.hears(patience),
		s.puts(2, enabled), w.sees(s, 2, s.Within),
		s.puts(3, enabled), w.sees(s, 3, s.Within),
		s.puts(4, enabled), w.sees(s, 4, s.Within))
	if early := w.early.Load(); early != nil {
		err = errors.Join(err, errors.New("the Watch has returned before its context ended, and nothing was wrong with the store"), *early)
	}
	return err
}

// watchTellsOfRepair has the Watch return while the store is gone, if it likes, and be
// called again.
func watchTellsOfRepair(ctx context.Context, s Store) error {
	w := newWatch(s)
	defer w.end()
	return inOrder(ctx, s.sets(1), w.starts, w.hears(patience),
		s.breaks, waits(500*time.Millisecond), w.forgets,
		s.repairs, w.sees(s, 1, patience), s.puts(2, enabled), w.sees(s, 2, patience))
}

// watchEnds watches twice, as a Client does.
func watchEnds(ctx context.Context, s Store) error {
	for range 2 {
		w := newWatch(s)
		defer w.end()
		err := inOrder(ctx, s.sets(1), w.starts, w.hears(patience), w.ends,
			s.sets(2), waits(200*time.Millisecond), w.isSilent)
		if err != nil {
			return err
		}
	}
	return nil
}

func watchEndsGone(ctx context.Context, s Store) error {
	w := newWatch(s)
	defer w.end()
	return inOrder(ctx, s.sets(1), s.breaks, w.starts, waits(200*time.Millisecond), w.ends)
}

// hears waits for the first call of changed.
func (w *watch) hears(within time.Duration) step {
	return func(ctx context.Context) error {
		if !w.heard(ctx, within) {
			return fmt.Errorf("the Watch has not called changed within %v of its start", within)
		}
		return ctx.Err()
	}
}

// heard is false if changed was not called.
func (w *watch) heard(ctx context.Context, within time.Duration) bool {
	select {
	case <-w.changed:
	case <-ctx.Done():
	case <-time.After(within):
		return false
	}
	return true
}

// sees waits for changed, until a Load that follows it gives the generation.
func (w *watch) sees(s Store, generation int, within time.Duration) step {
	return func(ctx context.Context) error {
		err := errors.New("changed has not been called")
		for began := time.Now(); w.heard(ctx, within-time.Since(began)); {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err = s.gives(generation)(ctx); err == nil {
				return nil
			}
		}
		return fmt.Errorf("the Watch has not told within %v of a change or a repair: %w", within, err)
	}
}

// forgets what it has heard so far.
func (w *watch) forgets(context.Context) error {
	select {
	case <-w.changed:
	default:
	}
	return nil
}
