package promflags_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/promflags"
)

const definitions = `{"metadata": {"version": "7"}, "flags": {
	"rollout": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": {"fractional": [["on", 1]]}},
	"number": {"state": "ENABLED", "variants": {"ten": 10}, "defaultVariant": "ten"},
	"theme": {"state": "ENABLED", "variants": {"dark": "#000"}, "defaultVariant": "dark"}
}}`

func TestTheLifeOfAClientAsPrometheusSeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rollout := flags.Bool("rollout", false, flags.About{Expires: "2000-01-01"}) // the first day of a bubble
		number := flags.String("number", "", flags.About{Expires: "2000-01-02"})
		source := &store{err: errors.New("down")}
		client := started(t, source, flags.Config{Interval: time.Minute}, rollout, number)
		metrics := registry(t, promflags.New(client, promflags.Config{Name: "shop"}))
		sees(t, metrics, atFirst)

		stop := running(t, client)
		synctest.Wait()
		source.puts(definitions, nil)
		synctest.Wait()
		anna := client.Pin(t.Context(), flags.Subject{Key: "anna"})
		for range 3 {
			rollout.On(anna)
		}
		rollout.On(client.Pin(t.Context(), flags.Subject{}))
		rollout.On(t.Context())
		number.Value(anna)
		client.Lookup(t.Context(), "theme", flags.Subject{})
		require.NoError(t, client.Kill("rollout", "errors go up"))
		rollout.On(anna)
		time.Sleep(3 * time.Second)
		sees(t, metrics, serving)

		require.NoError(t, client.Unkill("rollout"))
		require.NoError(t, client.Freeze(t.Context()))
		source.puts("", errors.New("down"))
		time.Sleep(5 * time.Minute)
		sees(t, metrics, drained, "stale", "frozen", "failing", "age_seconds", "killed", "info")

		problems, err := testutil.GatherAndLint(metrics)
		require.NoError(t, err)
		require.Empty(t, problems)
		stop()
	})
}

const atFirst = `
# HELP handover_flags_expired 1 from the day on which the flag should be gone.
# TYPE handover_flags_expired gauge
handover_flags_expired{client="shop",flag="rollout"} 1
# HELP handover_flags_exposures_dropped_total Exposures that could not wait to be told.
# TYPE handover_flags_exposures_dropped_total counter
handover_flags_exposures_dropped_total{client="shop"} 0
# HELP handover_flags_failing 1 if the last question to a source brought an error.
# TYPE handover_flags_failing gauge
handover_flags_failing{client="shop"} 1
# HELP handover_flags_frozen 1 if nothing new is let into force.
# TYPE handover_flags_frozen gauge
handover_flags_frozen{client="shop"} 0
# HELP handover_flags_info 1 for the set that is in force.
# TYPE handover_flags_info gauge
handover_flags_info{client="shop",origin="none",version=""} 1
# HELP handover_flags_no_key_total Rollouts that were passed over, as the subject had no key.
# TYPE handover_flags_no_key_total counter
handover_flags_no_key_total{client="shop",flag="number"} 0
handover_flags_no_key_total{client="shop",flag="rollout"} 0
# HELP handover_flags_omitted Flags that have no series, as there are too many.
# TYPE handover_flags_omitted gauge
handover_flags_omitted{client="shop"} 0
# HELP handover_flags_problem 1 for why a flag that is declared cannot be evaluated.
# TYPE handover_flags_problem gauge
handover_flags_problem{client="shop",code="PROVIDER_NOT_READY",flag="number"} 1
handover_flags_problem{client="shop",code="PROVIDER_NOT_READY",flag="rollout"} 1
# HELP handover_flags_stale 1 if the source does not stand by what is in force, or nothing is.
# TYPE handover_flags_stale gauge
handover_flags_stale{client="shop"} 1
# HELP handover_flags_unpinned_total Evaluations where nothing was pinned.
# TYPE handover_flags_unpinned_total counter
handover_flags_unpinned_total{client="shop",flag="number"} 0
handover_flags_unpinned_total{client="shop",flag="rollout"} 0
`

const serving = `
# HELP handover_flags_age_seconds How long ago the source stood by what is in force.
# TYPE handover_flags_age_seconds gauge
handover_flags_age_seconds{client="shop"} 3
# HELP handover_flags_evaluations_total Evaluations by variant, which is empty for the default, and by reason.
# TYPE handover_flags_evaluations_total counter
handover_flags_evaluations_total{client="shop",flag="number",reason="ERROR",variant=""} 1
handover_flags_evaluations_total{client="shop",flag="rollout",reason="DEFAULT",variant="off"} 1
handover_flags_evaluations_total{client="shop",flag="rollout",reason="DISABLED",variant=""} 1
handover_flags_evaluations_total{client="shop",flag="rollout",reason="SPLIT",variant="on"} 3
handover_flags_evaluations_total{client="shop",flag="theme",reason="STATIC",variant="dark"} 1
# HELP handover_flags_expired 1 from the day on which the flag should be gone.
# TYPE handover_flags_expired gauge
handover_flags_expired{client="shop",flag="rollout"} 1
# HELP handover_flags_exposures_dropped_total Exposures that could not wait to be told.
# TYPE handover_flags_exposures_dropped_total counter
handover_flags_exposures_dropped_total{client="shop"} 0
# HELP handover_flags_failing 1 if the last question to a source brought an error.
# TYPE handover_flags_failing gauge
handover_flags_failing{client="shop"} 0
# HELP handover_flags_frozen 1 if nothing new is let into force.
# TYPE handover_flags_frozen gauge
handover_flags_frozen{client="shop"} 0
# HELP handover_flags_info 1 for the set that is in force.
# TYPE handover_flags_info gauge
handover_flags_info{client="shop",origin="source",version="7"} 1
# HELP handover_flags_killed 1 while the flag is forced to its default in this process.
# TYPE handover_flags_killed gauge
handover_flags_killed{client="shop",flag="rollout"} 1
# HELP handover_flags_no_key_total Rollouts that were passed over, as the subject had no key.
# TYPE handover_flags_no_key_total counter
handover_flags_no_key_total{client="shop",flag="number"} 0
handover_flags_no_key_total{client="shop",flag="rollout"} 1
handover_flags_no_key_total{client="shop",flag="theme"} 0
# HELP handover_flags_omitted Flags that have no series, as there are too many.
# TYPE handover_flags_omitted gauge
handover_flags_omitted{client="shop"} 0
# HELP handover_flags_problem 1 for why a flag that is declared cannot be evaluated.
# TYPE handover_flags_problem gauge
handover_flags_problem{client="shop",code="TYPE_MISMATCH",flag="number"} 1
# HELP handover_flags_stale 1 if the source does not stand by what is in force, or nothing is.
# TYPE handover_flags_stale gauge
handover_flags_stale{client="shop"} 0
# HELP handover_flags_unpinned_total Evaluations where nothing was pinned.
# TYPE handover_flags_unpinned_total counter
handover_flags_unpinned_total{client="shop",flag="number"} 0
handover_flags_unpinned_total{client="shop",flag="rollout"} 1
`

const drained = `
# HELP handover_flags_age_seconds How long ago the source stood by what is in force.
# TYPE handover_flags_age_seconds gauge
handover_flags_age_seconds{client="shop"} 303
# HELP handover_flags_failing 1 if the last question to a source brought an error.
# TYPE handover_flags_failing gauge
handover_flags_failing{client="shop"} 1
# HELP handover_flags_frozen 1 if nothing new is let into force.
# TYPE handover_flags_frozen gauge
handover_flags_frozen{client="shop"} 1
# HELP handover_flags_info 1 for the set that is in force.
# TYPE handover_flags_info gauge
handover_flags_info{client="shop",origin="source",version="7"} 1
# HELP handover_flags_stale 1 if the source does not stand by what is in force, or nothing is.
# TYPE handover_flags_stale gauge
handover_flags_stale{client="shop"} 1
`

// Exposures that nobody takes are dropped beyond those that may wait.
func TestDroppedExposuresAreCounted(t *testing.T) {
	rollout := flags.Bool("rollout", false)
	client := started(t, flags.Static(definitions), flags.Config{Exposed: func(flags.Exposure) {}}, rollout)
	metrics := registry(t, promflags.New(client, promflags.Config{}))
	for range 1030 {
		rollout.On(client.Pin(t.Context(), flags.Subject{Key: "anna"}))
	}
	sees(t, metrics, `
# HELP handover_flags_exposures_dropped_total Exposures that could not wait to be told.
# TYPE handover_flags_exposures_dropped_total counter
handover_flags_exposures_dropped_total{client="client"} 6
`, "exposures_dropped_total")
}

// Scrapes overlap, with each other and with everything else that goes on.
func TestScrapesOverlap(t *testing.T) {
	rollout := flags.Bool("rollout", false)
	client := started(t, flags.Static(definitions), flags.Config{}, rollout)
	metrics := registry(t, promflags.New(client, promflags.Config{MaxFlags: 2, MaxVariants: 1}))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				rollout.On(client.Pin(t.Context(), flags.Subject{Key: "anna"}))
				_, err := metrics.Gather()
				if err != nil || client.Kill("rollout", "x") != nil {
					t.Error("a scrape or a kill failed:", err)
				}
			}
		})
	}
	all.Wait()
}

func TestTwoClientsFitIntoOneRegistry(t *testing.T) {
	one, two := started(t, flags.Static(definitions), flags.Config{}), started(t, flags.Static(definitions), flags.Config{})
	metrics := registry(t, promflags.New(one, promflags.Config{Name: "shop"}), promflags.New(two, promflags.Config{Name: "mail"}))
	n, err := testutil.GatherAndCount(metrics, "handover_flags_info")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.ErrorAs(t, metrics.Register(promflags.New(two, promflags.Config{Name: "mail"})), new(prometheus.AlreadyRegisteredError))
}

func TestNoClientIsAnErrorOfTheScrape(t *testing.T) {
	_, err := registry(t, promflags.New(nil, promflags.Config{})).Gather()
	require.ErrorContains(t, err, "New was given a nil client")
}

// What Prometheus gets over HTTP, from a client that has not even started.
func TestAScrape(t *testing.T) {
	client := flags.New(nil, flags.Config{}, flags.Bool("new", false))
	server := httptest.NewServer(promhttp.HandlerFor(registry(t, promflags.New(client, promflags.Config{})), promhttp.HandlerOpts{}))
	defer server.Close()
	response, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Contains(t, string(body), `handover_flags_problem{client="client",code="PROVIDER_NOT_READY",flag="new"} 1`)
}
