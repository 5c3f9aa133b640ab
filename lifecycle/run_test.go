package lifecycle_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/lifecycle"
)

func TestARunThatReturnsEarly(t *testing.T) {
	playAll(t, map[string]story{
		"with an error: the app stops in order, and the Stop of the one that failed has its turn": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(
					d.part("db", nil, nil, takes(1*s)),
					d.part("jobs", nil, fails(5*s, errBoom), takes(1*s)),
					d.part("api", nil, waits, takes(1*s)),
				)
			},
			diary: []string{
				"5s run jobs boom",
				"5s stop api by 30.6s", "6s stop api done", "6s run api context canceled",
				"6s stop jobs by 31.6s", "7s stop jobs done",
				"7s stop db by 32.8s", "8s stop db done", "8s end",
			},
			errors: []string{"lifecycle: run jobs: boom"},
			cause:  "lifecycle: run jobs: boom",
		},
		"with nil: the same, and no error": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("jobs", nil, fails(5*s, nil), nil), d.part("api", nil, waits, takes(1*s)))
			},
			diary: []string{"5s run jobs done", "5s stop api by 31.6s", "6s stop api done", "6s run api context canceled", "6s end"},
			cause: "lifecycle: run jobs: returned before it was told to stop",
		},
		"with context.Canceled, but nobody has told it": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("jobs", nil, fails(5*s, context.Canceled), nil))
			},
			diary:  []string{"5s run jobs context canceled", "5s end"},
			errors: []string{"lifecycle: run jobs: context canceled"},
			cause:  "lifecycle: run jobs: context canceled",
		},
		"with a panic": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("db", nil, nil, takes(1*s)), d.part("jobs", nil, panics(5*s), nil))
			},
			diary:  []string{"5s run jobs broke off", "5s stop db by 32.8s", "6s stop db done", "6s end"},
			errors: []string{"lifecycle: run jobs: panic: boom"},
			cause:  "lifecycle: run jobs: panic: boom",
		},
		"with Goexit": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("jobs", nil, exits(5*s), takes(1*s)))
			},
			diary:  []string{"5s run jobs broke off", "5s stop jobs by 32.6s", "6s stop jobs done", "6s end"},
			errors: []string{"lifecycle: run jobs: runtime.Goexit was called"},
			cause:  "lifecycle: run jobs: runtime.Goexit was called",
		},
		"the first is the cause, the second is an error, and the signal in between is neither": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(
					d.part("second", nil, fails(7*s, errBoom), nil),
					d.part("first", nil, fails(5*s, errBoom), nil),
					d.part("api", nil, nil, takes(4*s)),
				)
			},
			signal: 6 * s,
			diary: []string{
				"5s run first boom", "5s stop api by 30.8s", "6s signal", "7s run second boom", "9s stop api done", "9s end",
			},
			errors: []string{"lifecycle: run first: boom", "lifecycle: run second: boom"},
			cause:  "lifecycle: run first: boom",
		},
		"after the signal and before its turn, it is an error and not the cause": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("jobs", nil, fails(7*s, errBoom), takes(1*s)), d.part("api", nil, nil, takes(4*s)))
			},
			signal: 6 * s,
			diary: []string{
				"6s signal", "6s stop api by 32.8s", "7s run jobs boom", "10s stop api done", "10s stop jobs by 33.6s", "11s stop jobs done", "11s end",
			},
			errors: []string{"lifecycle: run jobs: boom"},
			cause:  "terminated signal received",
		},
		"the cause comes first among the errors": {
			list: func(d *diary, app *lifecycle.App) {
				app.Add(d.part("jobs", nil, fails(5*s, errBoom), nil), d.part("api", nil, nil, panics(0)))
			},
			diary:  []string{"5s run jobs boom", "5s stop api by 31.8s", "5s stop api broke off", "5s end"},
			errors: []string{"lifecycle: run jobs: boom", "lifecycle: stop api: panic: boom"},
			cause:  "lifecycle: run jobs: boom",
		},
	})
}

func TestAnAppRunsOnce(t *testing.T) {
	app := lifecycle.New(lifecycle.Config{Logger: silent})
	app.Add(lifecycle.Component{Name: "api", Run: waits})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	var refused atomic.Int32
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if err := app.Run(ctx); err != nil {
				require.ErrorIs(t, err, lifecycle.ErrAlreadyRun)
				if refused.Add(1) == 9 {
					cancel()
				}
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 9, refused.Load())
	require.ErrorIs(t, app.Run(t.Context()), lifecycle.ErrAlreadyRun)
}

func TestWhatIsAddedAfterRunIsLoggedAndIgnored(t *testing.T) {
	var logged bytes.Buffer
	app := lifecycle.New(lifecycle.Config{Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelError}))})
	app.Add(lifecycle.Component{Name: "job", Run: func(context.Context) error {
		app.Add(lifecycle.Component{Name: "late", Start: func(context.Context) error { t.Error("started"); return nil }})
		return nil
	}})
	require.NoError(t, app.Run(t.Context()))
	require.Contains(t, logged.String(), "component=late")
	require.Contains(t, logged.String(), "the app has begun to run")
	plan, err := app.Plan()
	require.NoError(t, err)
	require.Len(t, plan.Places, 1)
}

func TestTheZeroAppIsAnAppWithoutComponents(t *testing.T) {
	var app lifecycle.App
	require.ErrorContains(t, app.Run(t.Context()), "there are no components")
	app.Add(lifecycle.Component{Name: "job", Run: func(context.Context) error { return nil }})
	require.NoError(t, app.Run(t.Context()), "a refused Run has not run")
}

func TestARunMayBeAnotherApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{began: time.Now()}
		inner := lifecycle.New(lifecycle.Config{GracePeriod: 10 * s, Logger: silent})
		inner.Add(d.part("inner", takes(1*s), waits, takes(1*s)))
		outer := lifecycle.New(lifecycle.Config{Logger: silent})
		outer.Add(lifecycle.Component{Name: "inner app", Run: inner.Run}, d.part("api", nil, nil, takes(1*s)))
		ctx, cancel := context.WithTimeout(t.Context(), 5*s)
		defer cancel()
		require.NoError(t, outer.Run(ctx))
		require.Equal(t, []string{
			"0s start inner", "1s start inner done", "5s stop api by 31.8s", "6s stop api done",
			"6s stop inner by 13.6s", "7s stop inner done", "7s run inner context canceled",
		}, d.lines)
	})
}
