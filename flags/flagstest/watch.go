package flagstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/flags"
)

// label marks the goroutines that a Watch starts, and those that they start.
const label = "flagstest"

// watch calls a Watch as a Client does: again, if it returns too early.
type watch struct {
	source  flags.Source
	changed chan struct{}
	cancel  context.CancelFunc
	ended   chan struct{}         // nil before starts
	early   atomic.Pointer[error] // what it said when it first returned too early
	resting atomic.Bool           // no Watch is running
	late    atomic.Bool           // changed was called all the same
}

func newWatch(s Store) *watch {
	return &watch{source: s.Source, changed: make(chan struct{}, 1)}
}

func (w *watch) name() string { return fmt.Sprintf("%p", w) }

func (w *watch) starts(ctx context.Context) error {
	watcher, ok := w.source.(flags.Watcher)
	if !ok {
		return errors.New("the source is no flags.Watcher")
	}
	w.ended = make(chan struct{})
	ctx, w.cancel = context.WithCancel(ctx)
	go func() {
		defer close(w.ended)
		for ctx.Err() == nil {
			w.resting.Store(false)
			pprof.Do(ctx, pprof.Labels(label, w.name()), func(ctx context.Context) {
				if err := watcher.Watch(ctx, w.tell); ctx.Err() == nil {
					w.early.CompareAndSwap(nil, &err)
				}
			})
			w.resting.Store(true)
			_ = waits(100 * time.Millisecond)(ctx)
		}
	}()
	return nil
}

// tell is what the source calls.
func (w *watch) tell() {
	if w.resting.Load() {
		w.late.Store(true)
	}
	select {
	case w.changed <- struct{}{}:
	default: // it has been told
	}
}

// end ends what has been started, whatever has become of it.
func (w *watch) end() {
	if w.ended == nil {
		return
	}
	w.cancel()
	select {
	case <-w.ended:
	case <-time.After(soon):
	}
}

// ends says whether Watch ends with its context and has left nothing.
func (w *watch) ends(ctx context.Context) error {
	began := time.Now()
	w.end()
	if !w.resting.Load() {
		return errors.New("the Watch has not returned after its context has ended")
	}
	stacks := w.left()
	for stacks != "" && time.Since(began) < soon && waits(10*time.Millisecond)(ctx) == nil {
		stacks = w.left()
	}
	if stacks != "" {
		return fmt.Errorf("the Watch has returned, and left a goroutine:\n%s", stacks)
	}
	return nil
}

// isSilent says whether the Watch that has returned says no more.
func (w *watch) isSilent(context.Context) error {
	if w.late.Load() {
		return errors.New("the Watch has returned, and called changed after that")
	}
	return nil
}

// left are the stacks of those goroutines that have the label. They have it from who
// started them, so that those of other tests are no matter.
func (w *watch) left() string {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return ""
	}
	var left []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, fmt.Sprintf("%q:%q", label, w.name())) {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n")
}
