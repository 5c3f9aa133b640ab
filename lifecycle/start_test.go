package lifecycle_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/lifecycle"
)

const (
	s  = time.Second
	ms = time.Millisecond
)

func TestStart(t *testing.T) {
	playAll(t, map[string]story{
		"top down, and stopped bottom up": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", takes(1*s), nil, takes(1*s)))
				app.Add(d.part("api", takes(1*s), waits, takes(1*s)), d.part("ready", takes(1*s), nil, takes(1*s)))
			},
			signal: 10 * s,
			diary: []string{
				"0s start db", "1s start db done", "1s start api", "2s start api done", "2s start ready", "3s start ready done",
				"10s signal",
				"10s stop ready by 35.8s", "11s stop ready done",
				"11s stop api by 36.6s", "12s stop api done", "12s run api context canceled",
				"12s stop db by 37.8s", "13s stop db done", "13s end",
			},
			cause: "terminated signal received",
		},
		"a Start that fails is rolled back, in reverse, and was never started itself": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(
					d.part("checks", nil, waits, nil),
					d.part("db", takes(1*s), nil, takes(1*s)),
					d.part("api", fails(1*s, errBoom), waits, takes(1*s)),
					d.part("ready", takes(1*s), nil, takes(1*s)),
				)
			},
			diary: []string{
				"0s start db", "1s start db done", "1s start api", "2s start api boom",
				"2s stop db by 28.8s", "3s stop db done", "3s run checks context canceled", "3s end",
			},
			errors: []string{"lifecycle: start api: boom"},
			cause:  "lifecycle: start api: boom",
		},
		"the errors of the roll-back are joined to the one of the start": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, fails(1*s, errBoom)), d.part("api", panics(1*s), nil, nil))
			},
			diary:  []string{"0s start api", "1s start api broke off", "1s stop db by 28.8s", "2s stop db boom", "2s end"},
			errors: []string{"lifecycle: start api: panic: boom", "lifecycle: stop db: boom"},
			cause:  "lifecycle: start api: panic: boom",
		},
		"runtime.Goexit is an error of the component": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, takes(1*s)), d.part("api", exits(1*s), nil, nil))
			},
			diary:  []string{"0s start api", "1s start api broke off", "1s stop db by 28.8s", "2s stop db done", "2s end"},
			errors: []string{"lifecycle: start api: runtime.Goexit was called"},
			cause:  "lifecycle: start api: runtime.Goexit was called",
		},
		"a start time-out of the component": {
			list: func(d *diary, app *lifecycle.App) {
				db := d.part("db", takes(time.Hour), nil, takes(1*s))
				db.StartTimeout = 5 * s
				app.Add(d.part("checks", takes(1*s), nil, takes(1*s)), db)
			},
			diary: []string{
				"0s start checks", "1s start checks done", "1s start db", "6s start db context deadline exceeded",
				"6s stop checks by 33.8s", "7s stop checks done", "7s end",
			},
			errors: []string{"lifecycle: start db: context deadline exceeded"},
			cause:  "lifecycle: start db: context deadline exceeded",
		},
		"the start time-out of all, shared by the places": {
			config: lifecycle.Config{StartTimeout: 5 * s},
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("checks", takes(3*s), nil, takes(1*s)), d.part("db", takes(3*s), nil, nil))
			},
			diary: []string{
				"0s start checks", "3s start checks done", "3s start db", "5s start db context deadline exceeded",
				"5s stop checks by 32.8s", "6s stop checks done", "6s end",
			},
			errors: []string{"lifecycle: start db: context deadline exceeded"},
			cause:  "lifecycle: start db: context deadline exceeded",
		},
		"by default the start may take a minute": {
			list: func(d *diary, app *lifecycle.App) { app.Add(d.part("db", takes(2*time.Minute), nil, nil)) },
			diary: []string{
				"0s start db", "1m0s start db context deadline exceeded", "1m0s end",
			},
			errors: []string{"lifecycle: start db: context deadline exceeded"},
			cause:  "lifecycle: start db: context deadline exceeded",
		},
		"a negative start time-out is none": {
			config: lifecycle.Config{StartTimeout: -1},
			list: func(d *diary, app *lifecycle.App) {
				db := d.part("db", takes(2*time.Minute), nil, nil)
				db.StartTimeout = -1
				app.Add(db)
			},
			signal: 3 * time.Minute,
			diary:  []string{"0s start db", "2m0s start db done", "3m0s signal", "3m0s end"},
			cause:  "terminated signal received",
		},
		"a Start that ignores its time-out has its share of the budget, then it is abandoned": {
			config: lifecycle.Config{GracePeriod: 10 * s},
			list: func(d *diary, app *lifecycle.App) {
				db := d.part("db", ignores(time.Hour), nil, takes(1*s))
				db.StartTimeout = 5 * s
				app.Add(d.part("checks", nil, waits, takes(500*ms)), db)
			},
			// The roll-back begins at 5.2s and has 8s. One is kept for the checks, and one
			// for its own Stop, should its Start have come back with nil.
			diary: []string{
				"0s start db", "11.2s stop checks by 12.8s", "11.7s stop checks done", "11.7s run checks context canceled", "11.7s end",
			},
			errors: []string{"lifecycle: start db: abandoned after 11.2s: context deadline exceeded"},
			cause:  "lifecycle: start db: not done after 5.2s: context deadline exceeded",
		},
		"a Start that comes back with nil at the last moment still has the time for its Stop": {
			config: lifecycle.Config{GracePeriod: 10 * s},
			list: func(d *diary, app *lifecycle.App) {
				app.Together(d.part("api", ignores(7900*ms), nil, takes(500*ms)), d.part("rpc", ignores(time.Hour), nil, takes(500*ms)))
			},
			signal: 1 * s,
			diary: []string{
				"0s start api", "0s start rpc", "1s signal", "7.9s start api done", "8s stop api by 8.8s", "8.5s end", "8.5s stop api done",
			},
			sideBySide: true,
			errors:     []string{"lifecycle: start rpc: abandoned after 8s: context deadline exceeded"},
			cause:      "terminated signal received",
		},
		"a Start that returns nil after its time-out has started, and is stopped": {
			list: func(d *diary, app *lifecycle.App) {
				db := d.part("db", ignores(8*s), nil, takes(1*s))
				db.StartTimeout = 5 * s
				app.Add(db, d.part("api", takes(1*s), nil, nil))
			},
			diary: []string{
				"0s start db", "8s start db done", "8s stop db by 33s", "9s stop db done", "9s end",
			},
			errors: []string{"lifecycle: start db: not done after 5.2s: context deadline exceeded"},
			cause:  "lifecycle: start db: not done after 5.2s: context deadline exceeded",
		},
		"a Start that fails by itself after its time-out says why": {
			list: func(d *diary, app *lifecycle.App) {
				db := d.part("db", fails(8*s, errBoom), nil, takes(1*s))
				db.StartTimeout = 5 * s
				app.Add(db)
			},
			diary:  []string{"0s start db", "8s start db boom", "8s end"},
			errors: []string{"lifecycle: start db: boom"},
			cause:  "lifecycle: start db: not done after 5.2s: context deadline exceeded",
		},
		"what waits for a Start that ignores everything is capped by its stop time-out": {
			list: func(d *diary, app *lifecycle.App) {
				db := d.part("db", ignores(time.Hour), nil, takes(1*s))
				db.StopTimeout = 3 * s
				app.Add(db)
			},
			signal: 1 * s,
			diary:  []string{"0s start db", "1s signal", "4.2s end"},
			errors: []string{"lifecycle: start db: abandoned after 4.2s: context deadline exceeded"},
			cause:  "terminated signal received",
		},
		"a signal during the start rolls back, and is no failure": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(
					d.part("db", takes(1*s), waits, takes(1*s)),
					d.part("api", takes(time.Hour), waits, takes(1*s)),
					d.part("ready", takes(1*s), nil, takes(1*s)),
				)
			},
			signal: 3 * s,
			diary: []string{
				"0s start db", "1s start db done", "1s start api", "3s signal", "3s start api context canceled",
				"3s stop db by 30.6s", "4s stop db done", "4s run db context canceled", "4s end",
			},
			cause: "terminated signal received",
		},
		"a Start that returns the cause of its context has given up": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("api", func(ctx context.Context) error {
					<-ctx.Done()
					return context.Cause(ctx)
				}, nil, nil))
			},
			signal: 3 * s,
			diary:  []string{"0s start api", "3s signal", "3s start api terminated signal received", "3s end"},
			cause:  "terminated signal received",
		},
		"a Start that fails for another reason, though there was a signal, has failed": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("api", waitsThen(errBoom), nil, nil))
			},
			signal: 3 * s,
			diary:  []string{"0s start api", "3s signal", "3s start api boom", "3s end"},
			errors: []string{"lifecycle: start api: boom"},
			cause:  "terminated signal received",
		},
		"a Start that returns nil, though there was a signal, has started and is stopped, its Run never begun": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("api", ignores(5*s), waits, takes(1*s)), d.part("ready", takes(1*s), nil, nil))
			},
			signal: 3 * s,
			diary: []string{
				"0s start api", "3s signal", "5s start api done", "5s stop api by 30.8s", "6s stop api done", "6s end",
			},
			cause: "terminated signal received",
		},
		"a signal in the first moment": {
			list:   func(d *diary, app *lifecycle.App) { app.Add(d.part("api", takes(1*s), waits, takes(1*s))) },
			signal: 1,
			diary:  []string{"0s start api", "1ns signal", "1ns start api context canceled", "1ns end"},
			cause:  "terminated signal received",
		},
		"a place starts side by side, and the next one after all of it": {
			list: func(d *diary, app *lifecycle.App) {
				app.Together(d.part("api", takes(1*s), nil, nil), d.part("rpc", takes(2*s), nil, nil))
				app.Add(d.part("ready", takes(1*s), nil, nil))
			},
			signal:     10 * s,
			sideBySide: true,
			diary: []string{
				"0s start api", "0s start rpc", "1s start api done", "2s start ready", "2s start rpc done",
				"3s start ready done", "10s end", "10s signal",
			},
			cause: "terminated signal received",
		},
		"one that fails cancels the others of its place, and stops those that had started": {
			list: func(d *diary, app *lifecycle.App) {
				app.Together(
					d.part("api", takes(1*s), waits, takes(1*s)),
					d.part("rpc", fails(2*s, errBoom), waits, takes(1*s)),
					d.part("web", takes(time.Hour), waits, takes(1*s)),
				)
			},
			sideBySide: true,
			diary: []string{
				"0s start api", "0s start rpc", "0s start web", "1s start api done",
				"2s start rpc boom", "2s start web context canceled", "2s stop api by 29.8s", "3s end", "3s stop api done",
			},
			errors: []string{"lifecycle: start rpc: boom"},
			cause:  "lifecycle: start rpc: boom",
		},
		"a Run that returns during the start cancels it and rolls back": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("jobs", nil, fails(2*s, errBoom), takes(1*s)), d.part("db", takes(5*s), nil, takes(1*s)))
			},
			diary: []string{
				"0s start db", "2s run jobs boom", "2s start db context canceled", "2s stop jobs by 29.6s", "3s stop jobs done", "3s end",
			},
			errors: []string{"lifecycle: run jobs: boom"},
			cause:  "lifecycle: run jobs: boom",
		},
	})
}

// The watch and the start both see the signal; whoever is first, nothing starts.
func TestNothingStartsAfterTheSignal(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errSignal)
	for range 2000 {
		app := lifecycle.New(lifecycle.Config{Logger: silent})
		app.Add(lifecycle.Component{
			Name:  "api",
			Start: func(context.Context) error { t.Error("started"); return nil },
			Stop:  func(context.Context) error { t.Error("stopped"); return nil },
		})
		require.NoError(t, app.Run(ctx))
		report := app.Report()
		require.ErrorIs(t, report.Cause, errSignal)
		require.Equal(t, lifecycle.OutcomeNotStarted, report.Components[0].Outcome)
		require.Equal(t, lifecycle.StateNew, report.Components[0].State)
	}
}

func TestRunBeginsBeforeTheNextPlaceStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		answers := make(chan struct{})
		app := lifecycle.New(lifecycle.Config{Logger: silent})
		app.Add(
			lifecycle.Component{Name: "admin", Run: func(ctx context.Context) error {
				close(answers)
				return waits(ctx)
			}},
			lifecycle.Component{Name: "db", Start: func(ctx context.Context) error {
				defer cancel()
				select {
				case <-answers:
					return nil
				case <-ctx.Done(): // the start time-out
					return ctx.Err()
				}
			}},
		)
		require.NoError(t, app.Run(ctx))
	})
}

func TestADeadlineOfTheContextIsASignalAndNoTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*s)
		defer cancel()
		d := &diary{began: time.Now()}
		app := lifecycle.New(lifecycle.Config{Logger: silent})
		app.Add(d.part("db", takes(1*s), waits, takes(1*s)), d.part("api", takes(time.Hour), nil, nil))
		require.NoError(t, app.Run(ctx))
		require.Equal(t, []string{
			"0s start db", "1s start db done", "1s start api", "3s start api context canceled",
			"3s stop db by 30.6s", "4s stop db done", "4s run db context canceled",
		}, d.lines)
	})
}
