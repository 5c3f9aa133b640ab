package guard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
)

var errBroken = errors.New("broken")

func gives(v string, err error) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return v, err }
}

func panics(value any) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { panic(value) }
}

// seen is what a guard has counted: failures of requests, of the new arm and the other.
func seen(t *testing.T, v guard.Verdict, name string) string {
	t.Helper()
	m := metric(t, v, name)
	return fmt.Sprintf("new %d/%d, control %d/%d", m.New.Failures, m.New.Requests, m.Control.Failures, m.Control.Requests)
}

func TestDo(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	tests := map[string]struct {
		on       bool
		ctx      context.Context
		cfg      guard.Config
		path     func(context.Context) (string, error) // of the arm that is chosen
		want     string
		err      string
		panics   any
		counted  string
		notEnded bool
	}{
		"the new path is well":               {on: true, path: gives("new", nil), want: "new", counted: "new 0/1, control 0/0"},
		"the old path is well":               {path: gives("old", nil), want: "old", counted: "new 0/0, control 0/1"},
		"the new path fails":                 {on: true, path: gives("half", errBroken), want: "half", err: "broken", counted: "new 1/1, control 0/0"},
		"the old path fails":                 {path: gives("", errBroken), err: "broken", counted: "new 0/0, control 1/1"},
		"an error that is no failure":        {on: true, cfg: guard.Config{Failure: func(err error) bool { return !errors.Is(err, errBroken) }}, path: gives("", errBroken), err: "broken", counted: "new 0/1, control 0/0"},
		"the caller has gone":                {on: true, ctx: canceled, path: gives("", errBroken), err: "broken", counted: "new 0/1, control 0/0"},
		"the time is up":                     {on: true, ctx: late, path: gives("", context.DeadlineExceeded), err: "context deadline exceeded", counted: "new 1/1, control 0/0"},
		"canceled, but not by the caller":    {on: true, path: gives("", context.Canceled), err: "context canceled", counted: "new 1/1, control 0/0"},
		"the new path panics":                {on: true, path: panics("oh"), err: "guard: do new-checkout: the new path panicked: oh", counted: "new 1/1, control 0/0"},
		"and the old one steps in":           {on: true, cfg: guard.Config{Fallback: true}, path: panics("oh"), want: "other", counted: "new 1/1, control 0/0"},
		"a panic when the caller has gone":   {on: true, ctx: canceled, path: panics("oh"), err: "guard: do new-checkout: the new path panicked: oh", counted: "new 1/1, control 0/0"},
		"the old path panics":                {path: panics("oh"), panics: "oh", counted: "new 0/0, control 1/1"},
		"a handler gives up":                 {on: true, cfg: guard.Config{Fallback: true}, path: panics(http.ErrAbortHandler), panics: http.ErrAbortHandler, counted: "new 1/1, control 0/0"},
		"a handler gives up on who has gone": {on: true, ctx: canceled, path: panics(http.ErrAbortHandler), panics: http.ErrAbortHandler, counted: "new 0/1, control 0/0"},
		"an error is not replaced":           {on: true, cfg: guard.Config{Fallback: true}, path: gives("", errBroken), err: "broken", counted: "new 1/1, control 0/0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.cfg.Logger = slog.New(slog.DiscardHandler)
			g, onNew, onOld := started(t, tt.cfg)
			ctx, paths := onOld, [2]func(context.Context) (string, error){gives("other", nil), tt.path}
			if tt.on {
				ctx, paths = onNew, [2]func(context.Context) (string, error){tt.path, gives("other", nil)}
			}
			if tt.ctx != nil {
				ctx = newCheckout.With(tt.ctx, tt.on)
			}
			do := func() {
				got, err := guard.Do(ctx, g, paths[0], paths[1])
				require.Equal(t, tt.want, got)
				if tt.err == "" {
					require.NoError(t, err)
				} else {
					require.EqualError(t, err, tt.err)
				}
			}
			if tt.panics != nil {
				require.PanicsWithValue(t, tt.panics, do)
			} else {
				do()
			}
			v := g.Verdict()
			require.Equal(t, tt.counted, seen(t, v, "errors"))
			require.EqualValues(t, 1, v.New.Ended+v.Control.Ended)
		})
	}
}

func TestAPanicIsAnErrorWithItsStackBesideIt(t *testing.T) {
	var log bytes.Buffer
	g, onNew, _ := started(t, guard.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 3 {
		_, err := guard.Do(onNew, g, panics(errBroken), gives("", nil))
		require.ErrorIs(t, err, errBroken)
		var caught *guard.PanicError
		require.ErrorAs(t, err, &caught)
		require.Equal(t, "new-checkout", caught.Flag)
		require.Contains(t, string(caught.Stack), "do_test.go")
		require.NotContains(t, err.Error(), "do_test.go")
	}
	require.Contains(t, log.String(), "the new path panicked")
	require.Contains(t, log.String(), "do_test.go")
}

func TestAPanicNilIsContained(t *testing.T) {
	g, onNew, _ := started(t, guard.Config{Logger: slog.New(slog.DiscardHandler)})
	_, err := guard.Do(onNew, g, panics(nil), gives("", nil))
	var of *runtime.PanicNilError
	require.ErrorAs(t, err, &of)
}

// A goroutine that ends is nobody's failure: testing.T.FailNow does that.
func TestAGoexitGoesOn(t *testing.T) {
	g, onNew, onOld := started(t, guard.Config{Fallback: true})
	for _, ctx := range []context.Context{onNew, onOld} {
		var wait sync.WaitGroup
		exit := func(context.Context) (string, error) { runtime.Goexit(); return "", nil }
		wait.Go(func() {
			_, _ = guard.Do(ctx, g, exit, exit)
			t.Error("went on")
		})
		wait.Wait()
	}
	require.Equal(t, "new 0/1, control 0/1", seen(t, g.Verdict(), "errors"))
}

func TestWithoutAPinTheOldPathRuns(t *testing.T) {
	g, _, _ := started(t, guard.Config{})
	got, err := guard.Do(t.Context(), g, gives("new", nil), gives("old", nil))
	require.NoError(t, err)
	require.Equal(t, "old", got)
}

func TestAKillTakesEverybodyToTheOldPath(t *testing.T) {
	c := flags.New(flags.Static(`{"flags": {"new-checkout": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"}}}`),
		flags.Config{Logger: slog.New(slog.DiscardHandler)}, newCheckout)
	require.NoError(t, c.Start(t.Context()))
	g, err := guard.New(newCheckout, guard.Config{})
	require.NoError(t, err)
	as := func(user string) context.Context { return c.Pin(t.Context(), flags.Subject{Key: user}) }
	var diary []string
	for _, user := range []string{"ada", "bob", "cyd"} {
		got, _ := guard.Do(as(user), g, gives("new", errBroken), gives("old", nil))
		diary = append(diary, got)
	}
	v := g.Verdict()
	require.Equal(t, guard.Tripped, v.State)
	require.NoError(t, c.Kill("new-checkout", v.Why))
	got, _ := guard.Do(as("ada"), g, gives("new", errBroken), gives("old", nil))
	require.Equal(t, []string{"new", "new", "new", "old"}, append(diary, got))
}

// One user who tries again and again is one user: one failure in a second.
func TestBurstsAreDamped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, onNew, _ := started(t, guard.Config{
			Metrics: map[string]float64{"paid": 0.1},
			Subject: func(ctx context.Context) string { s, _ := ctx.Value(userKey{}).(string); return s },
		})
		of := func(user string) context.Context { return context.WithValue(onNew, userKey{}, user) }
		fail := func(user string, times int) string {
			for range times {
				_, _ = guard.Do(of(user), g, gives("", errBroken), nil)
			}
			return seen(t, g.Verdict(), "errors")
		}
		diary := []string{fail("ada", 10), fail("ada", 10), fail("grace", 10)}
		time.Sleep(time.Second)
		diary = append(diary, fail("ada", 10), fail("", 3))
		g.Record(of("ada"), "paid", false)
		g.Record(of("ada"), "paid", false)
		diary = append(diary, seen(t, g.Verdict(), "paid"))
		require.Equal(t, []string{
			"new 1/10, control 0/0",
			"new 1/20, control 0/0",
			"new 2/30, control 0/0",
			"new 3/40, control 0/0",
			"new 6/43, control 0/0", // nobody's are counted each
			"new 1/2, control 0/0",  // a metric of its own
		}, diary)
	})
}

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, onNew, onOld := started(t, guard.Config{Slow: 300 * time.Millisecond})
		takes := func(d time.Duration, err error) func(context.Context) (string, error) {
			return func(context.Context) (string, error) { time.Sleep(d); return "", err }
		}
		for range 4 {
			_, _ = guard.Do(onNew, g, takes(900*time.Millisecond, nil), nil)
			_, _ = guard.Do(onOld, g, nil, takes(300*time.Millisecond, nil))
		}
		canceled, cancel := context.WithCancel(onNew)
		cancel()
		_, _ = guard.Do(canceled, g, takes(2*time.Second, context.Canceled), nil) // who gives up has waited
		v := g.Verdict()
		require.Equal(t, "new 5/5, control 0/4", seen(t, v, "slow"))
		require.Equal(t, "new 0/5, control 0/4", seen(t, v, "errors"))
		require.InDelta(t, 0.9, v.New.P50.Seconds(), 0.12)
		require.InDelta(t, 2, v.New.P99.Seconds(), 0.25)
		require.InDelta(t, 0.3, v.Control.P99.Seconds(), 0.04)
		require.Equal(t, guard.Tripped, v.State)
		require.Contains(t, v.Why, "slow of the new arm: 5 of 5, of the control arm: 0 of 4, bound 5%, evidence ")
	})
}

func TestRecording(t *testing.T) {
	g, onNew, onOld := started(t, guard.Config{Slow: time.Hour, Metrics: map[string]float64{"paid": 0.1}})
	fine := gives("", nil)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, _ = guard.Do(onNew, g, fine, fine)
		_, _ = guard.Do(onOld, g, fine, fine)
		g.Record(onNew, "paid", true)
		g.Record(onOld, "paid", false)
	}), "nothing is allocated")
	require.Equal(t, "new 0/101, control 101/101", seen(t, g.Verdict(), "paid"))
}

func TestANameThatIsNoMetricIsToldOfOnce(t *testing.T) {
	var log bytes.Buffer
	g, onNew, _ := started(t, guard.Config{Metrics: map[string]float64{"paid": 0.1}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for _, name := range []string{"pain", "pain", "errors", "slow"} {
		g.Record(onNew, name, false)
	}
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("\n")))
	require.Contains(t, log.String(), "metric=pain")
	require.Equal(t, "new 0/0, control 0/0", seen(t, g.Verdict(), "paid"))
}

func TestManyAtOnce(t *testing.T) {
	g, onNew, onOld := started(t, guard.Config{Metrics: map[string]float64{"paid": 0.1}, Subject: func(context.Context) string { return "" }})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				_, _ = guard.Do(onNew, g, gives("", errBroken), nil)
				_, _ = guard.Do(onOld, g, nil, gives("", nil))
				g.Record(onNew, "paid", true)
				g.Verdict()
				g.Take()
				g.Step()
			}
		})
	}
	all.Wait()
	v := g.Verdict()
	require.Equal(t, "new 1600/1600, control 0/1600", seen(t, v, "errors"))
	require.Equal(t, "new 0/1600, control 0/0", seen(t, v, "paid"))
}

// Of a user whose client tries again and again one failure counts in a second.
func TestWhoIsPinnedIsWhoFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := flags.New(flags.Static(`{"flags": {}}`), flags.Config{Logger: slog.New(slog.DiscardHandler)}, newCheckout)
		require.NoError(t, c.Start(t.Context()))
		g, _, _ := started(t, guard.Config{})
		for _, user := range []string{"ada", "ada", "ada", "bob", ""} {
			ctx := newCheckout.With(c.Pin(t.Context(), flags.Subject{Key: user}), true)
			_, _ = guard.Do(ctx, g, gives("new", errBroken), gives("old", nil))
		}
		require.Equal(t, "new 3/5, control 0/0", seen(t, g.Verdict(), "errors"))
	})
}
