package probestest_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/probestest"
)

// manifest is what the pods of a careful team say.
func manifest(program func(context.Context) error) probestest.Config {
	return probestest.Config{
		Startup:   probestest.Probe{Path: "/startupz", Period: time.Second, FailureThreshold: 60},
		Liveness:  probestest.Probe{Path: "/livez", GracePeriod: 10 * time.Second},
		Readiness: probestest.Probe{Path: "/readyz", Period: 2 * time.Second, FailureThreshold: 2},
		Program:   program,
	}
}

// serve is what a program does with its set: all of it, from its start to its end.
func serve(ctx context.Context, set *probes.Set) error {
	checking, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- set.Run(checking) }()
	_ = set.Ready(ctx)
	<-ctx.Done() // SIGTERM
	_ = set.Drain(checking)
	stop()
	return <-ended
}

// since fails in a span of time since the start of the test.
func since(begin, end time.Duration) func(context.Context) error {
	born := time.Now()
	return func(context.Context) error {
		if at := time.Since(born); at >= begin && at < end {
			return errors.New("no")
		}
		return nil
	}
}

func newSet(t *testing.T, delay time.Duration, checks ...probes.Check) *probes.Set {
	t.Helper()
	set := probes.New(probes.Config{Delay: delay, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, set.Add(checks...))
	return set
}

// The life of a pod whose program has our probes. Checks run so often that their
// own thresholds and their jitter are over when the kubelet asks.
func TestASetUnderAKubelet(t *testing.T) {
	const refused = "readiness probe failed: HTTP probe failed with statuscode: 503"
	tests := map[string]struct {
		delay      time.Duration
		check      probes.Check
		begin, end time.Duration // of its failures; it has 60 s to live
		want       []string
	}{
		"a start that takes its time": {
			delay: 2 * time.Second, check: probes.Check{Kind: probes.Startup}, end: 44500 * time.Millisecond,
			want: []string{
				"0s container started", "45s started", "45s ready",
				"60s terminating", "60s SIGTERM: pod deleted", "62s exited",
			},
		},
		"a drain that is long enough to be seen": {
			delay: 10 * time.Second, check: probes.Check{Kind: probes.Startup},
			want: []string{
				"0s container started", "0s started", "0s ready", "60s terminating", "60s SIGTERM: pod deleted",
				"62s not ready: " + refused, "70s exited",
			},
		},
		"a local check fails: the instance leaves, and comes back": {
			delay: 2 * time.Second, check: probes.Check{Kind: probes.Readiness, Scope: probes.Local},
			begin: 20500 * time.Millisecond, end: 40500 * time.Millisecond,
			want: []string{
				"0s container started", "0s started", "0s ready",
				"24s not ready: " + refused, "42s ready",
				"60s terminating", "60s SIGTERM: pod deleted", "62s exited",
			},
		},
		"a shared check fails: nobody leaves": {
			delay: 2 * time.Second, check: probes.Check{Kind: probes.Readiness, Scope: probes.Shared},
			begin: 20500 * time.Millisecond, end: 40500 * time.Millisecond,
			want: []string{
				"0s container started", "0s started", "0s ready",
				"60s terminating", "60s SIGTERM: pod deleted", "62s exited",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.check.Name, test.check.Interval, test.check.Run = "check", 50*time.Millisecond, since(test.begin, test.end)
				set := newSet(t, test.delay, test.check)
				pod := probestest.New(set.Handler(), manifest(func(ctx context.Context) error { return serve(ctx, set) }))
				time.AfterFunc(time.Minute, pod.Terminate)
				require.NoError(t, pod.Run(t.Context()))
				require.Equal(t, test.want, pod.Events())
			})
		})
	}
}

// Every life of the container has a set of its own, as every process has.
func TestASetWhoseLivenessFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var current atomic.Pointer[probes.Set]
		check := probes.Check{
			Name: "loop", Kind: probes.Liveness, Interval: 50 * time.Millisecond,
			Run: since(29500*time.Millisecond, 55*time.Second),
		}
		pod := probestest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			current.Load().Handler().ServeHTTP(w, r)
		}), manifest(func(ctx context.Context) error {
			set := newSet(t, -1, check)
			current.Store(set)
			return serve(ctx, set)
		}))
		time.AfterFunc(90*time.Second, pod.Terminate)
		require.NoError(t, pod.Run(t.Context()))
		require.Equal(t, []string{
			"0s container started", "0s started", "0s ready",
			"50s SIGTERM: liveness probe failed: HTTP probe failed with statuscode: 503", "50s exited",
			"50s container started", "50s started", "50s ready",
			"90s terminating", "90s SIGTERM: pod deleted", "90s exited",
		}, pod.Events())
	})
}
