package probes_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/haste"
	"github.com/handover-go/handover/probes"
)

func TestASetWithoutChecks(t *testing.T) {
	set := quiet(probes.Config{Delay: -1})
	all := func() [3]string {
		return [3]string{look(t, set, "/startupz"), look(t, set, "/readyz"), look(t, set, "/livez")}
	}
	require.Equal(t, [3]string{"503 fail starting", "503 fail starting", "200 pass"}, all())
	require.NoError(t, set.Ready(t.Context()))
	require.Equal(t, [3]string{"200 pass", "200 pass", "200 pass"}, all())
	require.NoError(t, set.Ready(t.Context()), "twice is legal")
	require.NoError(t, set.Drain(t.Context()))
	require.Equal(t, [3]string{"200 pass", "503 fail draining", "200 pass"}, all())
	require.NoError(t, set.Ready(t.Context()))
	require.Equal(t, [3]string{"200 pass", "503 fail draining", "200 pass"}, all(), "a late Ready does not win")
}

func TestDrainBeforeReadyIsFinal(t *testing.T) {
	set := quiet(probes.Config{Delay: -1})
	require.NoError(t, set.Drain(t.Context()))
	require.Equal(t, "503 fail draining", look(t, set, "/readyz"))
	require.NoError(t, set.Ready(t.Context()))
	require.Equal(t, "503 fail draining", look(t, set, "/readyz"))
}

func TestAnEmptySetHasNothingToExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		require.NoError(t, set.Ready(t.Context()))
		time.Sleep(100 * 24 * time.Hour)
		require.Equal(t, "200 pass", look(t, set, "/readyz"))
	})
}

func TestDrainWaitsForTheDelay(t *testing.T) {
	within := func(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
	}
	tests := map[string]struct {
		delay time.Duration
		stop  func(context.Context) (context.Context, context.CancelFunc)
		want  time.Duration
	}{
		"two seconds by default":                 {0, context.WithCancel, 2 * time.Second},
		"as configured":                          {7 * time.Second, context.WithCancel, 7 * time.Second},
		"negative is none":                       {-time.Second, context.WithCancel, 0},
		"much time left does not make it longer": {0, within(30 * time.Second), 2 * time.Second},
		"a grace period of 5 s has room for it":  {0, within(5 * time.Second), 2 * time.Second},
		"half of what is left, if that is less":  {10 * time.Second, within(5 * time.Second), 2500 * time.Millisecond},
		"no time left":                           {0, within(-time.Second), 0},
		"cut short by the caller, without an error": {0, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(300*time.Millisecond, cancel)
			return ctx, cancel
		}, 300 * time.Millisecond},
		"for ever, until the caller has enough": {1<<63 - 1, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Minute, cancel)
			return ctx, cancel
		}, time.Minute},
		"a person does not wait": {0, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, mark := haste.With(ctx)
			mark()
			return ctx, func() {}
		}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := quiet(probes.Config{Delay: test.delay})
				require.NoError(t, set.Ready(t.Context()))
				ctx, cancel := test.stop(t.Context())
				defer cancel()
				began := time.Now()
				during := make(chan string, 1)
				time.AfterFunc(test.want/2, func() { during <- look(t, set, "/readyz") })

				require.NoError(t, set.Drain(ctx))
				require.Equal(t, test.want, time.Since(began))
				if test.want > 0 {
					require.Equal(t, "503 fail draining", <-during, "not ready from the first moment")
				}
				require.Equal(t, "503 fail draining", look(t, set, "/readyz"))
			})
		})
	}
}

func TestTheSecondDrainWaitsForTheSameMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{Delay: 4 * time.Second})
		began := time.Now()
		ended := make([]time.Duration, 3)
		var drains sync.WaitGroup
		drains.Go(func() {
			ended[0] = drained(t, set, t.Context(), began)
		})
		time.Sleep(time.Second)
		drains.Go(func() {
			ended[1] = drained(t, set, t.Context(), began)
		})
		drains.Go(func() {
			ctx, mark := haste.With(t.Context())
			mark()
			ended[2] = drained(t, set, ctx, began)
		})
		drains.Wait()
		require.Equal(t, []time.Duration{4 * time.Second, 4 * time.Second, time.Second}, ended, "a person still does not wait")

		time.Sleep(time.Second)
		require.Equal(t, 5*time.Second, drained(t, set, t.Context(), began), "and a later one not at all")
	})
}

func drained(t *testing.T, set *probes.Set, ctx context.Context, began time.Time) time.Duration {
	if err := set.Drain(ctx); err != nil {
		t.Errorf("drain: %v", err)
	}
	return time.Since(began)
}

func TestDrainWinsOverEveryCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		add(t, set,
			probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Shared, Interval: 100 * time.Millisecond, Run: good},
			probes.Check{Name: "loop", Kind: probes.Liveness, Interval: 100 * time.Millisecond, Run: good},
		)
		stop := running(t, set)
		require.NoError(t, set.Ready(t.Context()))
		synctest.Wait()
		require.Equal(t, "200 pass, db", look(t, set, "/readyz"))

		drained := make(chan error, 1)
		go func() { drained <- set.Drain(t.Context()) }()
		synctest.Wait()
		require.Equal(t, []string{"503 fail draining, db"}, watch(t, set, "/readyz", 5*time.Second))
		require.NoError(t, <-drained)
		require.Equal(t, "200 pass, loop", look(t, set, "/livez"))
		require.NoError(t, stop())
	})
}

func TestEverythingAtOnce(t *testing.T) {
	set := quiet(probes.Config{Delay: -1})
	stop := running(t, set)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 20 {
				kind := []probes.Kind{probes.Readiness, probes.Liveness}[j%2]
				if err := set.Add(probes.Check{
					Name: fmt.Sprintf("c%d.%d", i, j), Kind: kind, Scope: probes.Local,
					Interval: time.Millisecond, Run: []run{good, bad, explode, vanish}[i%4],
				}); err != nil {
					t.Errorf("add: %v", err)
				}
				look(t, set, []string{"/readyz", "/livez", "/startupz"}[j%3])
			}
		})
	}
	all.Go(func() { _ = set.Ready(t.Context()) })
	all.Wait()
	require.NoError(t, set.Drain(t.Context()))
	require.Contains(t, look(t, set, "/readyz"), "503 fail draining")
	require.NoError(t, stop())
}
