package ramp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/internal/tree"
	"github.com/handover-go/handover/flags/ramp/internal/rollout"
)

// Timetable is a flags.Source of a file, or of whatever nobody leads for. Use Scheduled.
type Timetable struct {
	source flags.Source
	logger *slog.Logger
	news   chan struct{} // there is another time to wait for

	mu   sync.Mutex // guards what follows
	next time.Time  // the next step; zero if there is none
	said string
}

// Scheduled returns a source whose flags with an x-ramp that has a start are on for the
// share that the time says: 0 % before start, the first step from then on, the next ones
// a bake later each, by the clock of the machine. Nothing is waited for, nobody is asked:
// what a guard kills, it kills in its own process.
//
// Flags without one are as they are. One whose x-ramp is wrong, or that has no fractional
// to move, has 0 %, or is disabled if that cannot be; that is logged, to slog.Default() if
// logger is nil.
func Scheduled(source flags.Source, logger *slog.Logger) *Timetable {
	return &Timetable{source: source, logger: logger, news: make(chan struct{}, 1)}
}

// Load is the source's document with the shares of now.
func (t *Timetable) Load(ctx context.Context) (flags.Document, error) {
	if t.source == nil {
		return flags.Document{}, errors.New("ramp: timetable: no source: give one")
	}
	document, err := t.source.Load(ctx)
	if err != nil {
		return document, err
	}
	root, mistakes := tree.Parse(document.JSON)
	if root == nil || root.Get("flags") == nil || len(mistakes) > 0 {
		return document, nil // the Client says what is wrong with it
	}
	if t.set(root.Get("flags"), time.Now()) {
		document.JSON = root.JSON()
	}
	return document, nil
}

// set gives flags their shares, and reports whether there is any with a timetable.
func (t *Timetable) set(all *tree.Node, now time.Time) (changed bool) {
	var next time.Time
	var mistakes []error
	for _, member := range all.Members {
		xramp := member.Value.Get("x-ramp")
		if xramp == nil {
			continue
		}
		at, moved, err := scheduled(member.Value, xramp, tree.Join("flags", member.Name), now)
		mistakes = append(mistakes, err)
		changed = changed || moved
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	t.note(next, errors.Join(mistakes...))
	return changed
}

// scheduled sets the share of a flag, and tells when it is due for another one.
func scheduled(flag, xramp *tree.Node, path string, now time.Time) (next time.Time, moved bool, err error) {
	plan, mistakes := rollout.PlanOf(xramp, path+".x-ramp")
	share := 0.0
	switch {
	case len(mistakes) > 0:
		errs := make([]error, len(mistakes))
		for i, m := range mistakes {
			errs[i] = errors.New(m.String())
		}
		err = errors.Join(errs...)
	case plan.Start.IsZero():
		return next, false, nil
	default:
		share, next = plan.At(now)
	}
	if problem := rollout.SetShare(flag, share); problem != nil {
		err = errors.Join(err, errors.New(path+": "+problem.Error()))
		rollout.Disable(flag)
	}
	return next, true, err
}

// note keeps when to look again, and logs mistakes that are new.
func (t *Timetable) note(next time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !next.Equal(t.next) {
		t.next = next
		nudge(t.news)
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != t.said {
		cmp.Or(t.logger, slog.Default()).Error("ramp: timetable: flags with mistakes are for nobody", "err", err)
	}
	t.said = text
}

// Watch tells of steps, and of what the source tells of, if it is a flags.Watcher.
func (t *Timetable) Watch(ctx context.Context, changed func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel(nil)
	if w, ok := t.source.(flags.Watcher); ok {
		watch.Go(func() {
			if err := w.Watch(ctx, changed); err != nil {
				cancel(err)
			} // or else it has nothing more to tell
		})
	}
	for ctx.Err() == nil {
		if t.due(ctx) {
			changed()
		}
	}
	return context.Cause(ctx)
}

// due waits for the next step, and reports whether it is that what has come.
func (t *Timetable) due(ctx context.Context) bool {
	t.mu.Lock()
	next := t.next
	t.mu.Unlock()
	var due <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-t.news:
		return false
	case <-ctx.Done():
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next.Equal(next) {
		t.next = time.Time{} // once, and Load has the one after it
	}
	return true
}
