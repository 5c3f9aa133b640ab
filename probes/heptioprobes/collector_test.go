package heptioprobes_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/heptiolabs/healthcheck"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/heptioprobes"
)

func scrape(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	recorder := ask(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), "GET", "/metrics")
	require.Equal(t, 200, recorder.Code, "%s", recorder.Body)
	return recorder.Body.String()
}

func TestTheSeriesAreTheOriginals(t *testing.T) {
	for _, namespace := range []string{"example", ""} {
		synctest.Test(t, func(t *testing.T) {
			set := quiet()
			ours := heptioprobes.New(set, prompt(heptioprobes.Config{}))
			here, there := prometheus.NewPedanticRegistry(), prometheus.NewPedanticRegistry()
			require.NoError(t, here.Register(ours.Collector(namespace)))
			original := healthcheck.NewMetricsHandler(there, namespace)
			var db switched
			for _, handler := range []healthcheck.Handler{ours, original} {
				handler.AddReadinessCheck("DB Check", db.check)
				handler.AddReadinessCheck(`<"cache">`+"\n", good)
				handler.AddLivenessCheck("loop", bad)
			}
			stop := background(t, set)
			for _, err := range []error{nil, errSecret, nil} {
				db.turn(err)
				time.Sleep(10 * time.Second)
				require.Contains(t, scrape(t, here), "healthcheck_status{check=\"loop\"} 1\n")
				require.Equal(t, scrape(t, there), scrape(t, here))
			}
			stop()
		})
	}
}

func TestAScrapeRunsNoCheckAndShowsWhatCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet()
		health := heptioprobes.New(set, heptioprobes.Config{})
		runs := 0
		health.AddReadinessCheck("db", func() error { runs++; return nil })
		health.AddReadinessCheck("db", good)
		health.AddReadinessCheck("\xff", good)
		health.AddLivenessCheck("loop", good)
		require.NoError(t, set.Add(probes.Check{Name: "other", Kind: probes.Startup, Run: nothing}))
		_, err := set.Gate("cache", probes.Readiness)
		require.NoError(t, err)
		registry := prometheus.NewPedanticRegistry()
		require.NoError(t, registry.Register(health.Collector("")))

		const want = `# HELP healthcheck_status Current check status (0 indicates success, 1 indicates failure)
# TYPE healthcheck_status gauge
healthcheck_status{check="cache"} 1
healthcheck_status{check="db"} 1
healthcheck_status{check="db-2"} 1
healthcheck_status{check="loop"} 1
` + "healthcheck_status{check=\"\uFFFD\"} 1\n"
		require.Equal(t, want, scrape(t, registry))
		require.Zero(t, runs)
		stop := background(t, set)
		synctest.Wait()
		for range 10 {
			require.Contains(t, scrape(t, registry), "healthcheck_status{check=\"db\"} 0\n")
		}
		require.Equal(t, 1, runs)
		stop()
	})
}

// Where the original panics.
func TestARegistryThatDoesNotTakeIt(t *testing.T) {
	set := quiet()
	health := heptioprobes.New(set, heptioprobes.Config{})
	health.AddReadinessCheck("db", good)
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(health.Collector("example")))
	require.Error(t, registry.Register(health.Collector("example")))
	require.Error(t, registry.Register(heptioprobes.New(set, heptioprobes.Config{}).Collector("example")))
	require.NoError(t, registry.Register(health.Collector("another")))
	require.ErrorContains(t, prometheus.NewRegistry().Register(health.Collector("no good")), "is not a valid metric name")

	metrics := make(chan prometheus.Metric, 10)
	health.Collector("no good").Collect(metrics)
	require.Len(t, metrics, 1)

	original := prometheus.NewRegistry()
	healthcheck.NewMetricsHandler(original, "example").AddReadinessCheck("db", good)
	require.Error(t, original.Register(health.Collector("example")))
}
