package promprobes_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/promprobes"
)

func newSet(config probes.Config) *probes.Set {
	config.Logger = slog.New(slog.DiscardHandler)
	return probes.New(config)
}

func takes(d time.Duration, err error) func(context.Context) error {
	return func(context.Context) error { time.Sleep(d); return err }
}

// running runs the set until the returned function is called, which waits for its end.
func running(t *testing.T, set *probes.Set) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = set.Run(ctx) }()
	return func() { cancel(); <-ended }
}

func ask(set *probes.Set, path, agent string) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("User-Agent", agent)
	set.Handler().ServeHTTP(httptest.NewRecorder(), r)
}

func registry(t *testing.T, collectors ...prometheus.Collector) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	for _, c := range collectors {
		require.NoError(t, r.Register(c))
	}
	return r
}

func TestTheLifeOfASetAsPrometheusSeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newSet(probes.Config{Delay: -1})
		metrics := registry(t, promprobes.New(set, promprobes.Config{Name: "api"}))
		sees := func(what string, names ...string) {
			t.Helper()
			for i := range names {
				names[i] = "handover_probes_" + names[i]
			}
			require.NoError(t, testutil.GatherAndCompare(metrics, strings.NewReader(what), names...))
		}
		require.NoError(t, set.Add(
			probes.Check{Name: "migrated", Kind: probes.Startup, Run: takes(2*time.Millisecond, nil)},
			probes.Check{Name: "postgres", Kind: probes.Readiness, Scope: probes.Shared, Run: takes(20*time.Millisecond, nil)},
			probes.Check{
				Name: "mail", Kind: probes.Readiness, Scope: probes.Shared, Impact: probes.Degrading,
				Run: takes(time.Hour, errors.New("dial postgres://app:s3cret@db")),
			},
		))
		gate, err := set.Gate("cache", probes.Startup)
		require.NoError(t, err)
		sees(atFirst, "status", "reason", "requests_total", "check_age_seconds", "check_runs_total", "drain_observed_seconds")

		stop := running(t, set)
		gate.Open()
		require.NoError(t, set.Ready(t.Context()))
		ask(set, "/readyz", "kube-probe/1.37")
		time.Sleep(1020 * time.Millisecond) // each has run once, and mail has run into its time-out
		ask(set, "/readyz", "kube-probe/1.37")
		ask(set, "/readyz", "kube-probe/1.37")
		ask(set, "/livez", "curl/8.0")
		sees(serving)

		ask(set, "/readyz", "Consul Health Check")
		drained := make(chan struct{})
		go func() { defer close(drained); _ = set.Drain(t.Context()) }()
		for range 3 {
			time.Sleep(time.Second)
			ask(set, "/readyz", "Consul Health Check")
		}
		<-drained
		sees(drainedSet, "reason", "drain_observed_seconds", "transitions_total")

		problems, err := testutil.GatherAndLint(metrics)
		require.NoError(t, err)
		require.Empty(t, problems)
		stop()
		time.Sleep(time.Hour) // the runs end
	})
}

const atFirst = `
# HELP handover_probes_reason 1 for what makes the probe fail whatever its checks say.
# TYPE handover_probes_reason gauge
handover_probes_reason{probe="readiness",reason="starting",set="api"} 1
handover_probes_reason{probe="startup",reason="starting",set="api"} 1
# HELP handover_probes_status 1 for the status that the probe has.
# TYPE handover_probes_status gauge
handover_probes_status{probe="liveness",set="api",status="fail"} 0
handover_probes_status{probe="liveness",set="api",status="pass"} 1
handover_probes_status{probe="liveness",set="api",status="warn"} 0
handover_probes_status{probe="readiness",set="api",status="fail"} 1
handover_probes_status{probe="readiness",set="api",status="pass"} 0
handover_probes_status{probe="readiness",set="api",status="warn"} 0
handover_probes_status{probe="startup",set="api",status="fail"} 1
handover_probes_status{probe="startup",set="api",status="pass"} 0
handover_probes_status{probe="startup",set="api",status="warn"} 0
`

const serving = `
# HELP handover_probes_check_age_seconds Age of the verdict on the check.
# TYPE handover_probes_check_age_seconds gauge
handover_probes_check_age_seconds{check="mail",probe="readiness",set="api"} 0.02
handover_probes_check_age_seconds{check="postgres",probe="readiness",set="api"} 1
# HELP handover_probes_check_duration_seconds What the runs of the check took.
# TYPE handover_probes_check_duration_seconds histogram
handover_probes_check_duration_seconds_bucket{check="mail",probe="readiness",set="api",le="0.001"} 0
handover_probes_check_duration_seconds_bucket{check="mail",probe="readiness",set="api",le="0.005"} 0
handover_probes_check_duration_seconds_bucket{check="mail",probe="readiness",set="api",le="0.025"} 0
handover_probes_check_duration_seconds_bucket{check="mail",probe="readiness",set="api",le="0.1"} 0
handover_probes_check_duration_seconds_bucket{check="mail",probe="readiness",set="api",le="0.25"} 0
handover_probes_check_duration_seconds_bucket{check="mail",probe="readiness",set="api",le="0.5"} 0
handover_probes_check_duration_seconds_bucket{check="mail",probe="readiness",set="api",le="1"} 1
handover_probes_check_duration_seconds_bucket{check="mail",probe="readiness",set="api",le="5"} 1
handover_probes_check_duration_seconds_bucket{check="mail",probe="readiness",set="api",le="+Inf"} 1
handover_probes_check_duration_seconds_sum{check="mail",probe="readiness",set="api"} 1
handover_probes_check_duration_seconds_count{check="mail",probe="readiness",set="api"} 1
handover_probes_check_duration_seconds_bucket{check="migrated",probe="startup",set="api",le="0.001"} 0
handover_probes_check_duration_seconds_bucket{check="migrated",probe="startup",set="api",le="0.005"} 1
handover_probes_check_duration_seconds_bucket{check="migrated",probe="startup",set="api",le="0.025"} 1
handover_probes_check_duration_seconds_bucket{check="migrated",probe="startup",set="api",le="0.1"} 1
handover_probes_check_duration_seconds_bucket{check="migrated",probe="startup",set="api",le="0.25"} 1
handover_probes_check_duration_seconds_bucket{check="migrated",probe="startup",set="api",le="0.5"} 1
handover_probes_check_duration_seconds_bucket{check="migrated",probe="startup",set="api",le="1"} 1
handover_probes_check_duration_seconds_bucket{check="migrated",probe="startup",set="api",le="5"} 1
handover_probes_check_duration_seconds_bucket{check="migrated",probe="startup",set="api",le="+Inf"} 1
handover_probes_check_duration_seconds_sum{check="migrated",probe="startup",set="api"} 0.002
handover_probes_check_duration_seconds_count{check="migrated",probe="startup",set="api"} 1
handover_probes_check_duration_seconds_bucket{check="postgres",probe="readiness",set="api",le="0.001"} 0
handover_probes_check_duration_seconds_bucket{check="postgres",probe="readiness",set="api",le="0.005"} 0
handover_probes_check_duration_seconds_bucket{check="postgres",probe="readiness",set="api",le="0.025"} 1
handover_probes_check_duration_seconds_bucket{check="postgres",probe="readiness",set="api",le="0.1"} 1
handover_probes_check_duration_seconds_bucket{check="postgres",probe="readiness",set="api",le="0.25"} 1
handover_probes_check_duration_seconds_bucket{check="postgres",probe="readiness",set="api",le="0.5"} 1
handover_probes_check_duration_seconds_bucket{check="postgres",probe="readiness",set="api",le="1"} 1
handover_probes_check_duration_seconds_bucket{check="postgres",probe="readiness",set="api",le="5"} 1
handover_probes_check_duration_seconds_bucket{check="postgres",probe="readiness",set="api",le="+Inf"} 1
handover_probes_check_duration_seconds_sum{check="postgres",probe="readiness",set="api"} 0.02
handover_probes_check_duration_seconds_count{check="postgres",probe="readiness",set="api"} 1
# HELP handover_probes_check_fails_open 1 while a shared check fails and does not count.
# TYPE handover_probes_check_fails_open gauge
handover_probes_check_fails_open{check="mail",probe="readiness",set="api"} 0
handover_probes_check_fails_open{check="postgres",probe="readiness",set="api"} 0
# HELP handover_probes_check_reason 1 for why the check does not pass.
# TYPE handover_probes_check_reason gauge
handover_probes_check_reason{check="mail",probe="readiness",reason="timeout",set="api"} 1
# HELP handover_probes_check_runs_total Runs of the check by result; stuck counts those that could not be begun.
# TYPE handover_probes_check_runs_total counter
handover_probes_check_runs_total{check="mail",probe="readiness",result="degraded",set="api"} 0
handover_probes_check_runs_total{check="mail",probe="readiness",result="fail",set="api"} 0
handover_probes_check_runs_total{check="mail",probe="readiness",result="panic",set="api"} 0
handover_probes_check_runs_total{check="mail",probe="readiness",result="pass",set="api"} 0
handover_probes_check_runs_total{check="mail",probe="readiness",result="stuck",set="api"} 0
handover_probes_check_runs_total{check="mail",probe="readiness",result="timeout",set="api"} 1
handover_probes_check_runs_total{check="migrated",probe="startup",result="degraded",set="api"} 0
handover_probes_check_runs_total{check="migrated",probe="startup",result="fail",set="api"} 0
handover_probes_check_runs_total{check="migrated",probe="startup",result="panic",set="api"} 0
handover_probes_check_runs_total{check="migrated",probe="startup",result="pass",set="api"} 1
handover_probes_check_runs_total{check="migrated",probe="startup",result="stuck",set="api"} 0
handover_probes_check_runs_total{check="migrated",probe="startup",result="timeout",set="api"} 0
handover_probes_check_runs_total{check="postgres",probe="readiness",result="degraded",set="api"} 0
handover_probes_check_runs_total{check="postgres",probe="readiness",result="fail",set="api"} 0
handover_probes_check_runs_total{check="postgres",probe="readiness",result="panic",set="api"} 0
handover_probes_check_runs_total{check="postgres",probe="readiness",result="pass",set="api"} 1
handover_probes_check_runs_total{check="postgres",probe="readiness",result="stuck",set="api"} 0
handover_probes_check_runs_total{check="postgres",probe="readiness",result="timeout",set="api"} 0
# HELP handover_probes_check_status 1 for the status that the check counts for.
# TYPE handover_probes_check_status gauge
handover_probes_check_status{check="cache",probe="startup",set="api",status="fail"} 0
handover_probes_check_status{check="cache",probe="startup",set="api",status="pass"} 1
handover_probes_check_status{check="cache",probe="startup",set="api",status="warn"} 0
handover_probes_check_status{check="mail",probe="readiness",set="api",status="fail"} 0
handover_probes_check_status{check="mail",probe="readiness",set="api",status="pass"} 0
handover_probes_check_status{check="mail",probe="readiness",set="api",status="warn"} 1
handover_probes_check_status{check="migrated",probe="startup",set="api",status="fail"} 0
handover_probes_check_status{check="migrated",probe="startup",set="api",status="pass"} 1
handover_probes_check_status{check="migrated",probe="startup",set="api",status="warn"} 0
handover_probes_check_status{check="postgres",probe="readiness",set="api",status="fail"} 0
handover_probes_check_status{check="postgres",probe="readiness",set="api",status="pass"} 1
handover_probes_check_status{check="postgres",probe="readiness",set="api",status="warn"} 0
# HELP handover_probes_requests_total Requests to the probe by the code of the answer and the kind of prober.
# TYPE handover_probes_requests_total counter
handover_probes_requests_total{agent="kubelet",code="200",probe="readiness",set="api"} 2
handover_probes_requests_total{agent="kubelet",code="503",probe="readiness",set="api"} 1
handover_probes_requests_total{agent="other",code="200",probe="liveness",set="api"} 1
# HELP handover_probes_status 1 for the status that the probe has.
# TYPE handover_probes_status gauge
handover_probes_status{probe="liveness",set="api",status="fail"} 0
handover_probes_status{probe="liveness",set="api",status="pass"} 1
handover_probes_status{probe="liveness",set="api",status="warn"} 0
handover_probes_status{probe="readiness",set="api",status="fail"} 0
handover_probes_status{probe="readiness",set="api",status="pass"} 0
handover_probes_status{probe="readiness",set="api",status="warn"} 1
handover_probes_status{probe="startup",set="api",status="fail"} 0
handover_probes_status{probe="startup",set="api",status="pass"} 1
handover_probes_status{probe="startup",set="api",status="warn"} 0
# HELP handover_probes_transitions_total How often the probe has turned to a status.
# TYPE handover_probes_transitions_total counter
handover_probes_transitions_total{probe="liveness",set="api",to="fail"} 0
handover_probes_transitions_total{probe="liveness",set="api",to="pass"} 0
handover_probes_transitions_total{probe="liveness",set="api",to="warn"} 0
handover_probes_transitions_total{probe="readiness",set="api",to="fail"} 0
handover_probes_transitions_total{probe="readiness",set="api",to="pass"} 0
handover_probes_transitions_total{probe="readiness",set="api",to="warn"} 1
handover_probes_transitions_total{probe="startup",set="api",to="fail"} 0
handover_probes_transitions_total{probe="startup",set="api",to="pass"} 1
handover_probes_transitions_total{probe="startup",set="api",to="warn"} 0
`

const drainedSet = `
# HELP handover_probes_drain_observed_seconds How long after the drain began each balancer had been told.
# TYPE handover_probes_drain_observed_seconds gauge
handover_probes_drain_observed_seconds{set="api"} 3
# HELP handover_probes_reason 1 for what makes the probe fail whatever its checks say.
# TYPE handover_probes_reason gauge
handover_probes_reason{probe="readiness",reason="draining",set="api"} 1
# HELP handover_probes_transitions_total How often the probe has turned to a status.
# TYPE handover_probes_transitions_total counter
handover_probes_transitions_total{probe="liveness",set="api",to="fail"} 0
handover_probes_transitions_total{probe="liveness",set="api",to="pass"} 0
handover_probes_transitions_total{probe="liveness",set="api",to="warn"} 0
handover_probes_transitions_total{probe="readiness",set="api",to="fail"} 1
handover_probes_transitions_total{probe="readiness",set="api",to="pass"} 0
handover_probes_transitions_total{probe="readiness",set="api",to="warn"} 1
handover_probes_transitions_total{probe="startup",set="api",to="fail"} 0
handover_probes_transitions_total{probe="startup",set="api",to="pass"} 1
handover_probes_transitions_total{probe="startup",set="api",to="warn"} 0
`

func TestAScrapeRunsNoCheckAndWaitsForNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newSet(probes.Config{})
		var runs atomic.Int32
		require.NoError(t, set.Add(probes.Check{Name: "deaf", Kind: probes.Readiness, Scope: probes.Local, Run: func(context.Context) error {
			runs.Add(1)
			time.Sleep(time.Hour)
			return nil
		}}))
		metrics := registry(t, promprobes.New(set, promprobes.Config{}))
		stop := running(t, set)
		time.Sleep(20 * time.Second)
		began := time.Now()
		for range 100 {
			_, err := metrics.Gather()
			require.NoError(t, err)
		}
		require.Zero(t, time.Since(began))
		require.EqualValues(t, 1, runs.Load())
		require.NoError(t, testutil.GatherAndCompare(metrics, strings.NewReader(`
# HELP handover_probes_check_reason 1 for why the check does not pass.
# TYPE handover_probes_check_reason gauge
handover_probes_check_reason{check="deaf",probe="readiness",reason="stuck",set="set"} 1
`), "handover_probes_check_reason"))
		stop()
		time.Sleep(time.Hour) // the run ends
	})
}

func TestAVerdictThatNobodyRenewsAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newSet(probes.Config{})
		require.NoError(t, set.Add(probes.Check{Name: "disk", Kind: probes.Readiness, Scope: probes.Local, Run: takes(0, nil)}))
		metrics := registry(t, promprobes.New(set, promprobes.Config{}))
		stop := running(t, set)
		synctest.Wait()
		stop()
		time.Sleep(time.Minute)
		require.NoError(t, testutil.GatherAndCompare(metrics, strings.NewReader(`
# HELP handover_probes_check_age_seconds Age of the verdict on the check.
# TYPE handover_probes_check_age_seconds gauge
handover_probes_check_age_seconds{check="disk",probe="readiness",set="set"} 60
# HELP handover_probes_check_reason 1 for why the check does not pass.
# TYPE handover_probes_check_reason gauge
handover_probes_check_reason{check="disk",probe="readiness",reason="stale",set="set"} 1
`), "handover_probes_check_age_seconds", "handover_probes_check_reason"))
	})
}

func TestASharedCheckThatFailsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler)})
		metrics := registry(t, promprobes.New(set, promprobes.Config{}))
		var failing atomic.Bool
		require.NoError(t, set.Add(probes.Check{
			Name: "db", Kind: probes.Readiness, Scope: probes.Shared, FailAfter: 1, Run: func(context.Context) error {
				if failing.Load() {
					return errors.New("down")
				}
				return nil
			},
		}))
		stop := running(t, set)
		synctest.Wait()
		failing.Store(true)
		time.Sleep(10 * time.Second)
		require.NoError(t, testutil.GatherAndCompare(metrics, strings.NewReader(`
# HELP handover_probes_check_fails_open 1 while a shared check fails and does not count.
# TYPE handover_probes_check_fails_open gauge
handover_probes_check_fails_open{check="db",probe="readiness",set="set"} 1
`), "handover_probes_check_fails_open"))
		stop()
	})
}

func TestTwoSetsFitIntoOneRegistry(t *testing.T) {
	api, jobs := newSet(probes.Config{}), newSet(probes.Config{})
	for _, set := range []*probes.Set{api, jobs} {
		_, err := set.Toggle("maintenance")
		require.NoError(t, err)
	}
	metrics := registry(t, promprobes.New(api, promprobes.Config{Name: "api"}), promprobes.New(jobs, promprobes.Config{Name: "jobs"}))
	n, err := testutil.GatherAndCount(metrics, "handover_probes_check_status")
	require.NoError(t, err)
	require.Equal(t, 6, n)
	require.ErrorAs(t, metrics.Register(promprobes.New(jobs, promprobes.Config{Name: "jobs"})), new(prometheus.AlreadyRegisteredError))
}

func TestNoSetIsAnErrorOfTheScrape(t *testing.T) {
	_, err := registry(t, promprobes.New(nil, promprobes.Config{})).Gather()
	require.ErrorContains(t, err, "New was given a nil set")
}

func ExampleNew() {
	health := probes.New(probes.Config{})
	registry := prometheus.NewRegistry()
	registry.MustRegister(promprobes.New(health, promprobes.Config{}))

	families, err := registry.Gather() // a scrape
	for _, family := range families {
		fmt.Println(family.GetName())
	}
	fmt.Println(err)
	// Output:
	// handover_probes_reason
	// handover_probes_status
	// handover_probes_transitions_total
	// <nil>
}
