package lifecycle_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/lifecycle"
)

// anything is some behaviour of a function, good or bad.
func anything(r *rand.Rand) act {
	d := time.Duration(r.IntN(4000)) * ms
	return []act{nil, nothing, takes(d), takes(d), takes(d), ignores(d), fails(d, errBoom), panics(d), exits(d), waits, ignores(time.Hour)}[r.IntN(11)]
}

// ledger holds what a random app did against what it may do.
type ledger struct {
	mu      sync.Mutex
	places  map[string]int
	started map[string]bool // its Start has returned nil, or it has none
	stops   []string
}

func (l *ledger) component(r *rand.Rand, name string, place int) lifecycle.Component {
	c := lifecycle.Component{Name: name, Run: anything(r)}
	l.places[name] = place
	start, stop := anything(r), anything(r)
	if start != nil {
		c.Start = func(ctx context.Context) error {
			err := start(ctx)
			l.mu.Lock()
			defer l.mu.Unlock()
			l.started[name] = err == nil
			return err
		}
	}
	c.Stop = func(ctx context.Context) error {
		l.mu.Lock()
		l.stops = append(l.stops, name)
		l.mu.Unlock()
		if stop == nil {
			return nil
		}
		return stop(ctx)
	}
	if r.IntN(3) == 0 {
		c.StopTimeout, c.StartTimeout = time.Duration(1+r.IntN(3000))*ms, time.Duration(1+r.IntN(3000))*ms
	}
	return c
}

// TestAnyApp runs apps of random components and checks what holds for all: each
// Stop is called at most once, after its Start, bottom up; and the app ends
// within its grace period, counted from the cause.
func TestAnyApp(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for n := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			defer time.Sleep(2 * time.Hour)
			r := rand.New(rand.NewPCG(seed, n))
			l := &ledger{places: map[string]int{}, started: map[string]bool{}}
			app := lifecycle.New(lifecycle.Config{StartTimeout: 20 * s, Logger: silent, OnChange: func(lifecycle.Change) {}})
			for place := range 1 + r.IntN(6) {
				var side []lifecycle.Component
				for i := range 1 + r.IntN(3) {
					side = append(side, l.component(r, fmt.Sprint(place, "-", i), place))
				}
				app.Together(side...)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(10_000))*ms)
			defer cancel()
			err := app.Run(ctx)

			report := app.Report()
			require.LessOrEqual(t, report.Took, 28*s, "instance %d: %v", n, report)
			require.Equal(t, err != nil, report.State == lifecycle.StateFailed)
			l.mu.Lock()
			defer l.mu.Unlock()
			require.True(t, slices.IsSortedFunc(l.stops, func(a, b string) int { return l.places[b] - l.places[a] }), "instance %d: %v", n, l.stops)
			require.Len(t, slices.Compact(slices.Sorted(slices.Values(l.stops))), len(l.stops), "instance %d: a Stop twice in %v", n, l.stops)
			for _, c := range report.Components {
				require.NotEqual(t, lifecycle.OutcomeNone, c.Outcome, "instance %d: %v", n, report)
				if up, has := l.started[c.Component]; has && c.Outcome != lifecycle.OutcomeAbandoned {
					require.Equal(t, up, slices.Contains(l.stops, c.Component), "instance %d: %v\n%v", n, c, report)
				}
			}
		})
	}
}

// TestAStateOnlyGrows asks for the end after the start has looked for that the
// last time, and before it says Running: the first Run returns at once, and its
// end is told while the others are only beginning. Which comes first is a race, so
// it is run often.
func TestAStateOnlyGrows(t *testing.T) {
	raced := 0
	for range 200 {
		states := map[string][]lifecycle.State{}
		begun := make(chan struct{})
		app := lifecycle.New(lifecycle.Config{Logger: silent, OnChange: func(c lifecycle.Change) {
			states[c.Component] = append(states[c.Component], c.State)
			if c.Component == "" && c.State == lifecycle.StateStopping {
				<-begun
			}
		}})
		side := []lifecycle.Component{{Name: "job", Run: nothing}}
		for i := range 30 {
			side = append(side, lifecycle.Component{Name: fmt.Sprint("other ", i), Run: waits})
		}
		side = append(side, lifecycle.Component{Name: "last", Run: func(ctx context.Context) error { close(begun); return waits(ctx) }})
		app.Together(side...)
		require.NoError(t, app.Run(t.Context()))
		for _, of := range states {
			require.True(t, slices.IsSorted(of), "%v", states)
		}
		if !slices.Contains(states[""], lifecycle.StateRunning) {
			raced++
		}
		require.Equal(t, lifecycle.StateTerminated, app.State())
	}
	t.Logf("the end came first in %d of 200 runs", raced)
}
