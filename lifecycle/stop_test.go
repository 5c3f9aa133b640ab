package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/lifecycle"
)

func TestStop(t *testing.T) {
	capped := func(c lifecycle.Component, timeout time.Duration) lifecycle.Component {
		c.StopTimeout = timeout
		return c
	}
	playAll(t, map[string]story{
		"a server that honours its context cannot starve the pool": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, takes(700*ms)), d.part("jobs", nil, nil, takes(700*ms)), d.part("api", nil, nil, takes(time.Hour)))
			},
			signal: 1 * s,
			diary: []string{
				"1s signal",
				"1s stop api by 26.8s", "26.8s stop api context deadline exceeded",
				"26.8s stop jobs by 27.8s", "27.5s stop jobs done",
				"27.5s stop db by 28.8s", "28.2s stop db done", "28.2s end",
			},
			errors: []string{"lifecycle: stop api: context deadline exceeded"},
			cause:  "terminated signal received",
		},
		"a server that ignores its context is abandoned and cannot starve the pool": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, ignores(900*ms)), d.part("api", nil, nil, ignores(time.Hour)))
			},
			signal: 1 * s,
			diary: []string{
				"1s signal", "1s stop api by 27.8s", "28s stop db by 28.8s", "28.9s stop db done", "28.9s end",
			},
			errors: []string{"lifecycle: stop api: abandoned after 27s: context deadline exceeded"},
			cause:  "terminated signal received",
		},
		"a Stop and a Run that both hang are done by the deadline of their place": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, takes(100*ms)), d.part("api", nil, ignores(time.Hour), ignores(time.Hour)))
			},
			signal: 1 * s,
			diary: []string{
				"1s signal", "1s stop api by 27.6s", "28s stop db by 28.8s", "28.1s stop db done", "28.1s end",
			},
			errors: []string{
				"lifecycle: stop api: abandoned after 26.8s: context deadline exceeded",
				"lifecycle: run api: abandoned after 200ms: context deadline exceeded",
			},
			cause: "terminated signal received",
		},
		"everybody hangs, and everybody gets a turn": {
			config: lifecycle.Config{GracePeriod: 10 * s},
			list: func(d *diary, app *lifecycle.App) {
				app.Add(
					d.part("a", nil, nil, ignores(time.Hour)), d.part("b", nil, nil, ignores(time.Hour)),
					d.part("c", nil, nil, ignores(time.Hour)), d.part("d", nil, nil, ignores(time.Hour)),
				)
			},
			signal: 1 * s,
			// 8s from 1s: three are kept for those below, then half of what is left.
			diary: []string{
				"1s signal", "1s stop d by 5.8s", "6s stop c by 7.3s", "7.5s stop b by 8.05s", "8.25s stop a by 8.8s", "9s end",
			},
			errors: []string{
				"lifecycle: stop d: abandoned after 5s: context deadline exceeded",
				"lifecycle: stop c: abandoned after 1.5s: context deadline exceeded",
				"lifecycle: stop b: abandoned after 750ms: context deadline exceeded",
				"lifecycle: stop a: abandoned after 750ms: context deadline exceeded",
			},
			cause: "terminated signal received",
		},
		"a stop time-out caps a component, and the time flows on": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, takes(20*s)), capped(d.part("api", nil, nil, takes(time.Hour)), 5*s))
			},
			signal: 1 * s,
			diary: []string{
				"1s signal", "1s stop api by 6s", "6s stop api context deadline exceeded",
				"6s stop db by 28.8s", "26s stop db done", "26s end",
			},
			errors: []string{"lifecycle: stop api: context deadline exceeded"},
			cause:  "terminated signal received",
		},
		"a stop time-out caps Stop and Run together": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(capped(d.part("jobs", nil, ignores(time.Hour), takes(2*s)), 5*s))
			},
			signal: 1 * s,
			diary:  []string{"1s signal", "1s stop jobs by 6s", "3s stop jobs done", "6.2s end"},
			errors: []string{"lifecycle: run jobs: abandoned after 3.2s: context deadline exceeded"},
			cause:  "terminated signal received",
		},
		"a stop time-out caps a Run that has no Stop": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(capped(d.part("jobs", nil, ignores(time.Hour), nil), 5*s))
			},
			signal: 1 * s,
			diary:  []string{"1s signal", "6.2s end"},
			errors: []string{"lifecycle: run jobs: abandoned after 5.2s: context deadline exceeded"},
			cause:  "terminated signal received",
		},
		"a Stop that comes back in the last moment has not failed": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(capped(d.part("db", nil, nil, ignores(5100*ms)), 5*s))
			},
			signal: 1 * s,
			diary:  []string{"1s signal", "1s stop db by 6s", "6.1s stop db done", "6.1s end"},
			cause:  "terminated signal received",
		},
		"an explicit reserve": {
			config: lifecycle.Config{Reserve: 5 * s, Margin: 1 * s},
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, takes(4*s)), d.part("api", nil, nil, takes(time.Hour)))
			},
			signal: 1 * s,
			diary: []string{
				"1s signal", "1s stop api by 24.8s", "24.8s stop api context deadline exceeded",
				"24.8s stop db by 29.8s", "28.8s stop db done", "28.8s end",
			},
			errors: []string{"lifecycle: stop api: context deadline exceeded"},
			cause:  "terminated signal received",
		},
		"neither reserve nor margin: what is left is nothing, but there is a turn": {
			config: lifecycle.Config{GracePeriod: 10 * s, Reserve: -1, Margin: -1},
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, takes(1*s)), d.part("pool", nil, nil, ignores(100*ms)), d.part("api", nil, nil, ignores(time.Hour)))
			},
			signal: 1 * s,
			diary: []string{
				"1s signal", "1s stop api by 10.8s", "11s stop pool by 11s", "11.1s stop pool done",
				"11.1s stop db by 11.1s", "11.1s stop db context deadline exceeded", "11.1s end",
			},
			errors: []string{
				"lifecycle: stop api: abandoned after 10s: context deadline exceeded",
				"lifecycle: stop db: context deadline exceeded",
			},
			cause: "terminated signal received",
		},
		"a grace period that is hardly any": {
			config: lifecycle.Config{GracePeriod: 100 * ms},
			list:   func(d *diary, app *lifecycle.App) { app.Add(d.part("db", nil, nil, takes(30*ms))) },
			signal: 1 * s,
			diary:  []string{"1s signal", "1s stop db by 1.04s", "1.03s stop db done", "1.03s end"},
			cause:  "terminated signal received",
		},
		"no time is reserved for what has nothing to stop": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("migrated", takes(1*s), nil, nil), d.part("api", nil, nil, takes(1*s)))
			},
			signal: 2 * s,
			diary: []string{
				"0s start migrated", "1s start migrated done", "2s signal", "2s stop api by 29.8s", "3s stop api done", "3s end",
			},
			cause: "terminated signal received",
		},
		"a panic and Goexit are errors of their component and stop nothing else": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, takes(1*s)), d.part("jobs", nil, nil, exits(1*s)), d.part("api", nil, nil, panics(1*s)))
			},
			signal: 1 * s,
			diary: []string{
				"1s signal", "1s stop api by 26.8s", "2s stop api broke off",
				"2s stop jobs by 27.8s", "3s stop jobs broke off", "3s stop db by 28.8s", "4s stop db done", "4s end",
			},
			errors: []string{"lifecycle: stop api: panic: boom", "lifecycle: stop jobs: runtime.Goexit was called"},
			cause:  "terminated signal received",
		},
		"the context of Run ends after Stop, and at its turn if there is none": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("checks", nil, waits, nil), d.part("api", nil, waits, takes(3*s)))
			},
			signal: 1 * s,
			diary: []string{
				"1s signal", "1s stop api by 27.6s", "4s stop api done", "4s run api context canceled", "4s run checks context canceled", "4s end",
			},
			cause: "terminated signal received",
		},
		"a Run that ends with its Stop is in order": {
			list: func(d *diary, app *lifecycle.App) {
				stopped := make(chan struct{})
				app.Add(d.part("api", nil, func(context.Context) error { <-stopped; return nil }, func(context.Context) error { close(stopped); return nil }))
			},
			sideBySide: true,
			signal:     1 * s,
			diary:      []string{"1s end", "1s run api done", "1s signal", "1s stop api by 28.6s", "1s stop api done"},
			cause:      "terminated signal received",
		},
		"what Run returns once it was told": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(
					d.part("wrapped", nil, waitsThen(fmt.Errorf("flush: %w", context.Canceled)), nil),
					d.part("broken", nil, waitsThen(errBoom), nil),
				)
			},
			signal: 1 * s,
			diary:  []string{"1s signal", "1s run broken boom", "1s run wrapped flush: context canceled", "1s end"},
			errors: []string{"lifecycle: run broken: boom"},
			cause:  "terminated signal received",
		},
		"one error of both Stop and Run is said once, two are said both": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(
					d.part("once", nil, waitsThen(errBoom), fails(1*s, errBoom)),
					d.part("twice", nil, waitsThen(errors.New("other")), fails(1*s, errBoom)),
				)
			},
			signal: 1 * s,
			diary: []string{
				"1s signal", "1s stop twice by 27.6s", "2s stop twice boom", "2s run twice other",
				"2s stop once by 28.6s", "3s stop once boom", "3s run once boom", "3s end",
			},
			errors: []string{"lifecycle: stop twice: boom", "lifecycle: run twice: other", "lifecycle: stop once: boom"},
			cause:  "terminated signal received",
		},
		"context.Canceled of a Stop is an error: it has stopped nothing": {
			list:   func(d *diary, app *lifecycle.App) { app.Add(d.part("flush", nil, nil, fails(0, context.Canceled))) },
			signal: 1 * s,
			diary:  []string{"1s signal", "1s stop flush by 28.8s", "1s stop flush context canceled", "1s end"},
			errors: []string{"lifecycle: stop flush: context canceled"},
			cause:  "terminated signal received",
		},
		"a place stops side by side, and the one below after all of it": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, takes(1*s)))
				app.Together(
					d.part("api", nil, nil, takes(3*s)),
					capped(d.part("rpc", nil, nil, takes(time.Hour)), 5*s),
					d.part("web", nil, nil, panics(1*s)),
				)
			},
			signal:     1 * s,
			sideBySide: true,
			diary: []string{
				"1s signal", "1s stop api by 27.8s", "1s stop rpc by 6s", "1s stop web by 27.8s",
				"2s stop web broke off", "4s stop api done", "6s stop db by 28.8s", "6s stop rpc context deadline exceeded",
				"7s end", "7s stop db done",
			},
			errors: []string{"lifecycle: stop rpc: context deadline exceeded", "lifecycle: stop web: panic: boom"},
			cause:  "terminated signal received",
		},
		"the budget counts from the signal, though a Start held on": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, takes(time.Hour)), d.part("api", ignores(11*s), nil, takes(5*s)))
			},
			signal: 1 * s,
			diary: []string{
				"0s start api", "1s signal", "11s start api done", "11s stop api by 27.8s", "16s stop api done",
				"16s stop db by 28.8s", "28.8s stop db context deadline exceeded", "28.8s end",
			},
			errors: []string{"lifecycle: stop db: context deadline exceeded"},
			cause:  "terminated signal received",
		},
	})
}

type marker struct{}

func TestTheContextsKeepTheValuesAndOutliveTheSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), marker{}, "kept"))
		var mu sync.Mutex
		var seen []string
		see := func(op string) func(context.Context) error {
			return func(ctx context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, fmt.Sprint(op, " ", ctx.Value(marker{}), " ", ctx.Err()))
				return nil
			}
		}
		app := lifecycle.New(lifecycle.Config{Logger: silent})
		app.Add(lifecycle.Component{
			Name:  "api",
			Start: see("start"),
			Run: func(ctx context.Context) error {
				cancel()
				time.Sleep(1 * s)
				return errors.Join(see("run")(ctx), waits(ctx))
			},
			Stop: func(ctx context.Context) error {
				time.Sleep(2 * s)
				return see("stop")(ctx)
			},
		})
		require.NoError(t, app.Run(ctx))
		require.Equal(t, []string{"start kept <nil>", "run kept <nil>", "stop kept <nil>"}, seen)
	})
}

func hangHere(release <-chan struct{}) { <-release }

func TestWhatWasAbandonedIsNamedWithItsStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		hang := func(context.Context) error { hangHere(release); return nil }
		stories := map[string]lifecycle.Component{
			"start": {Name: "culprit", Start: hang, StartTimeout: 1 * s},
			"run":   {Name: "culprit", Run: hang},
			"stop":  {Name: "culprit", Stop: hang},
		}
		for op, culprit := range stories {
			ctx, cancel := context.WithTimeout(t.Context(), 5*s)
			app := lifecycle.New(lifecycle.Config{Logger: silent})
			app.Add(culprit, lifecycle.Component{Name: "innocent", Run: waits})
			err := app.Run(ctx)
			cancel()

			require.ErrorIs(t, err, context.DeadlineExceeded)
			culprit, ok := errors.AsType[*lifecycle.Error](err)
			require.True(t, ok)
			require.Equal(t, "culprit", culprit.Component)
			require.Equal(t, op, culprit.Op)
			require.Contains(t, culprit.Stack, "lifecycle_test.hangHere")
			require.NotContains(t, culprit.Stack, "lifecycle_test.waits")
			require.NotContains(t, err.Error(), "hangHere")
			report := app.Report()
			require.Equal(t, lifecycle.OutcomeAbandoned, report.Components[1].Outcome)
			require.Equal(t, culprit.Stack, report.Components[1].Stack)
		}
	})
}

func TestAPanicHasTheStackOfWhereItHappened(t *testing.T) {
	for name, f := range map[string]act{"panics": panics(0), "exits": exits(0)} {
		app := lifecycle.New(lifecycle.Config{Logger: silent})
		app.Add(lifecycle.Component{Name: "api", Run: f})
		failure, ok := errors.AsType[*lifecycle.Error](app.Run(t.Context()))
		require.True(t, ok)
		require.Contains(t, failure.Stack, name+".func")
	}
}
