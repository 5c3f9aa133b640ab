//go:build unix && !race

package bench_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	gosundheit "github.com/AppsFlyer/go-sundheit"
	sundheitchecks "github.com/AppsFlyer/go-sundheit/checks"
	sundheithttp "github.com/AppsFlyer/go-sundheit/http"
	"github.com/alexliesenfeld/health"
	hellofresh "github.com/hellofresh/health-go/v5"
	"github.com/heptiolabs/healthcheck" //nolint:depguard // it is measured, not used
	"github.com/stretchr/testify/require"
	apiserverhealthz "k8s.io/apiserver/pkg/server/healthz"
	ctrlhealthz "sigs.k8s.io/controller-runtime/pkg/healthz"

	"github.com/handover-go/handover/probes"
)

// checks are ten that pass, each after the same time, and count their executions.
type checks struct {
	take time.Duration
	runs atomic.Int64
}

func (c *checks) run(context.Context) error {
	c.runs.Add(1)
	if c.take > 0 {
		time.Sleep(c.take) // and not a timer, whose allocation would look like a library's
	}
	return nil
}

func (c *checks) names() []string {
	names := make([]string, 10)
	for i := range names {
		names[i] = fmt.Sprintf("check-%d", i)
	}
	return names
}

// probed is somebody who answers probes, set up for production as its documentation
// says. What runs checks in the background has run them before it is measured.
type probed struct {
	name, path string
	start      func(testing.TB, *checks) http.Handler
}

func allProbed() []probed {
	return []probed{
		{"floor-static", "/", floorStatic},
		{"floor-snapshot", "/", floorSnapshot},
		{"handover", "/readyz", handover},
		{"heptio", "/ready", heptio},
		{"heptio-async", "/ready", heptioAsync},
		{"alexliesenfeld-cache", "/health", alexliesenfeldCache},
		{"alexliesenfeld-periodic", "/health", alexliesenfeldPeriodic},
		{"hellofresh", "/status", helloFresh},
		// short is the form that the README has for load balancers
		{"go-sundheit", "/admin/health.json?type=short", goSundheit},
		{"controller-runtime", "/", controllerRuntime},
		{"apiserver", "/readyz", apiserverReadyz},
	}
}

func handover(tb testing.TB, c *checks) http.Handler {
	tb.Helper()
	set := probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler)})
	for _, name := range c.names() {
		require.NoError(tb, set.Add(probes.Check{Name: name, Kind: probes.Readiness, Scope: probes.Local, Run: c.run}))
	}
	require.NoError(tb, set.Ready(tb.Context()))
	ran := make(chan error, 1)
	go func() { ran <- set.Run(tb.Context()) }()
	tb.Cleanup(func() {
		if err := <-ran; err != nil {
			tb.Error(err)
		}
	})
	return set.Handler()
}

// floorStatic is the least that a handler can do which answers with a body.
func floorStatic(testing.TB, *checks) http.Handler {
	contentType, length, body := []string{"application/json"}, []string{"2"}, []byte("{}")
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		header := w.Header()
		header["Content-Type"], header["Content-Length"] = contentType, length
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(body)
	})
}

// floorSnapshot is the least that a handler can do whose answer may change: it does
// not look whether the answer is too old, nor at who asks.
func floorSnapshot(testing.TB, *checks) http.Handler {
	type answer struct {
		header [5]struct {
			key    string
			values []string
		}
		code int
		body []byte
	}
	first := &answer{code: http.StatusOK, body: []byte(`{"status":"pass"}` + "\n")}
	for i, field := range [...][2]string{
		{"Content-Type", "application/json"},
		{"Content-Length", strconv.Itoa(len(first.body))},
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{"Vary", "Accept"},
	} {
		first.header[i].key, first.header[i].values = field[0], []string{field[1]}
	}
	var latest atomic.Pointer[answer]
	latest.Store(first)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a, header := latest.Load(), w.Header()
		for i := range a.header {
			header[a.header[i].key] = a.header[i].values
		}
		w.WriteHeader(a.code)
		_, _ = w.Write(a.body)
	})
}

// heptio is what the README begins with.
func heptio(tb testing.TB, c *checks) http.Handler {
	h := healthcheck.NewHandler()
	for _, name := range c.names() {
		h.AddReadinessCheck(name, func() error { return c.run(tb.Context()) })
	}
	return h
}

// heptioAsync is what the README has "for expensive checks that you don't want to
// add latency to the liveness and readiness endpoints"; 10 s is the interval of its
// example.
func heptioAsync(tb testing.TB, c *checks) http.Handler {
	h := healthcheck.NewHandler()
	for _, name := range c.names() {
		check := func() error { return c.run(tb.Context()) }
		h.AddReadinessCheck(name, healthcheck.AsyncWithContext(tb.Context(), check, 10*time.Second))
	}
	return h
}

// alexliesenfeldCache has the cache of 1 s that is the default, and the time-outs
// of the README's example.
func alexliesenfeldCache(tb testing.TB, c *checks) http.Handler {
	options := []health.CheckerOption{health.WithTimeout(10 * time.Second)}
	for _, name := range c.names() {
		options = append(options, health.WithCheck(health.Check{Name: name, Timeout: 2 * time.Second, Check: c.run}))
	}
	return alexliesenfeld(tb, options)
}

// alexliesenfeldPeriodic is what the README has for "more involved applications",
// with its interval. Its delay of 3 s before the first run is left out.
func alexliesenfeldPeriodic(tb testing.TB, c *checks) http.Handler {
	options := []health.CheckerOption{health.WithTimeout(10 * time.Second)}
	for _, name := range c.names() {
		options = append(options, health.WithPeriodicCheck(15*time.Second, 0, health.Check{Name: name, Check: c.run}))
	}
	return alexliesenfeld(tb, options)
}

func alexliesenfeld(tb testing.TB, options []health.CheckerOption) http.Handler {
	checker := health.NewChecker(options...)
	tb.Cleanup(checker.Stop)
	return health.NewHandler(checker)
}

// helloFresh is the README's example. It runs as many checks at a time as there are
// processors, by default.
func helloFresh(tb testing.TB, c *checks) http.Handler {
	tb.Helper()
	h, err := hellofresh.New(hellofresh.WithComponent(hellofresh.Component{Name: "myservice", Version: "v1.0"}))
	require.NoError(tb, err)
	for _, name := range c.names() {
		require.NoError(tb, h.Register(hellofresh.Config{Name: name, Timeout: 2 * time.Second, Check: c.run}))
	}
	return h.Handler()
}

// goSundheit has the interval and the time-out of the README's examples, and its
// InitialDelay(0).
func goSundheit(tb testing.TB, c *checks) http.Handler {
	tb.Helper()
	h := gosundheit.New()
	for _, name := range c.names() {
		require.NoError(tb, h.RegisterCheck(
			&sundheitchecks.CustomCheck{
				CheckName: name,
				CheckFunc: func(ctx context.Context) (any, error) { return nil, c.run(ctx) },
			},
			gosundheit.InitialDelay(0),
			gosundheit.ExecutionPeriod(10*time.Second),
			gosundheit.ExecutionTimeout(time.Second),
		))
	}
	tb.Cleanup(h.DeregisterAll)
	return sundheithttp.HandleHealthJSON(h)
}

// controllerRuntime is what a Manager makes of AddReadyzCheck, without the ServeMux
// and the StripPrefix that it puts before.
func controllerRuntime(_ testing.TB, c *checks) http.Handler {
	h := &ctrlhealthz.Handler{Checks: map[string]ctrlhealthz.Checker{}}
	for _, name := range c.names() {
		h.Checks[name] = func(r *http.Request) error { return c.run(r.Context()) }
	}
	return h
}

// apiserverReadyz has its metrics not registered, which makes them cheap.
func apiserverReadyz(_ testing.TB, c *checks) http.Handler {
	var all []apiserverhealthz.HealthChecker
	for _, name := range c.names() {
		all = append(all, apiserverhealthz.NamedCheck(name, func(r *http.Request) error { return c.run(r.Context()) }))
	}
	mux := http.NewServeMux()
	apiserverhealthz.InstallReadyzHandler(mux, all...)
	return mux
}
