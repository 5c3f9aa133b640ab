package snippettest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/podspec"
)

// Times are the numbers of the code, as it behaves.
type Times struct {
	Grace  time.Duration // lifecycle.Config.GracePeriod
	Budget time.Duration // of it, for the stop itself: less the margin
	Start  time.Duration // lifecycle.Config.StartTimeout

	Delay     time.Duration // probes.Config.Delay
	DelayMax  time.Duration // probes.Config.DelayMax
	Threshold int           // probes.Config.Threshold

	Answer   time.Duration // the time-out of readiness, as podspec has it
	Linger   time.Duration // shutdown.Config.LingerMax, as podspec has it
	Liveness time.Duration // the period of liveness, as podspec has it
	PodGrace time.Duration // the grace period, as podspec has it
	PodDelay time.Duration // the longest delay, as podspec has it
}

// Observe asks lifecycle for its plan, podspec for what it prints, and watches a set of
// probes drain, in virtual time.
func Observe(t *testing.T) Times {
	t.Helper()
	app := lifecycle.New(lifecycle.Config{})
	app.Add(lifecycle.Component{Name: "any", Run: func(context.Context) error { return nil }})
	plan, err := app.Plan()
	must(t, err)
	times := Times{Grace: plan.GracePeriod, Budget: plan.Budget(), Start: plan.StartTimeout}

	var printed bytes.Buffer
	must(t, podspec.Budget{}.Write(&printed))
	pod := printed.String()
	times.PodGrace = seconds(t, pod, `terminationGracePeriodSeconds: (\d+) `)
	times.PodDelay = seconds(t, pod, `delay (\d+) s`)
	times.Linger = seconds(t, pod, `linger (\d+) s`)
	times.Answer = seconds(t, pod, `(?s)readinessProbe.*timeoutSeconds: (\d+) `)
	times.Liveness = seconds(t, pod, `(?s)livenessProbe.*?periodSeconds: (\d+) `)

	synctest.Test(t, func(t *testing.T) { times.Delay, _ = drain(t, time.Hour) })
	synctest.Test(t, func(t *testing.T) { times.DelayMax, _ = drain(t, 9*time.Second) })
	synctest.Test(t, func(t *testing.T) { _, times.Threshold = drain(t, time.Second) })
	return times
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func seconds(t *testing.T, text, pattern string) time.Duration {
	t.Helper()
	return time.Duration(first(t, text, pattern)) * time.Second
}

// drain returns how long a drain takes, and how often a balancer that asks so often is
// told "not ready" meanwhile. One that asks once an hour is not there.
func drain(t *testing.T, period time.Duration) (took time.Duration, told int) {
	set := probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler)})
	must(t, set.Ready(t.Context()))
	ask := func(want int) {
		r := httptest.NewRequest(http.MethodGet, "/readyz", nil)
		r.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
		answer := httptest.NewRecorder()
		set.Handler().ServeHTTP(answer, r)
		if answer.Code != want {
			t.Errorf("/readyz answers %d, not %d", answer.Code, want)
		}
	}
	began, done := time.Now(), make(chan struct{})
	if period < time.Hour {
		for range 3 { // it is known
			ask(http.StatusOK)
			time.Sleep(period)
		}
		began = time.Now()
	}
	go func() {
		defer close(done)
		_ = set.Drain(context.WithoutCancel(t.Context())) // returns no error
		took = time.Since(began)
	}()
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return took, told
		case <-tick.C:
			ask(http.StatusServiceUnavailable)
			told++
		}
	}
}
