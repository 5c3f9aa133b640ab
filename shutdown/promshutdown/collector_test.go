package promshutdown_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pipenet"
	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/promshutdown"
)

// service has a request of each kind: one that ends, one that listens to Draining
// and does not end, one that does not listen, and an upgraded connection.
func service() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/quick", func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) })
	mux.HandleFunc("/told", func(_ http.ResponseWriter, r *http.Request) {
		<-shutdown.Draining(r.Context())
		time.Sleep(time.Minute)
	})
	mux.HandleFunc("/deaf", func(http.ResponseWriter, *http.Request) { time.Sleep(time.Minute) })
	mux.HandleFunc("/upgraded", func(w http.ResponseWriter, _ *http.Request) { _, _, _ = w.(http.Hijacker).Hijack() })
	return mux
}

func TestTheStopAsPrometheusSeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipenet.Listen(10)
		api := shutdown.HTTP(&http.Server{Handler: service()}, shutdown.Config{Listener: l, Logger: slog.New(slog.DiscardHandler)})
		collector := promshutdown.New(api, promshutdown.Config{Name: "api"})
		require.NoError(t, testutil.CollectAndCompare(collector, strings.NewReader(""), "handover_shutdown_cut"), "before it listens")
		require.NoError(t, api.Listen(t.Context()))
		ctx := context.WithoutCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- api.Serve(ctx) }()

		var clients []net.Conn
		for _, path := range []string{"/quick", "/told", "/deaf", "/upgraded", ""} {
			c, err := l.Dial(ctx)
			require.NoError(t, err)
			clients = append(clients, c)
			go func() { _, _ = io.Copy(io.Discard, c) }()
			if path != "" {
				_, err = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: test\r\n\r\n")
				require.NoError(t, err)
			}
		}
		synctest.Wait()
		require.NoError(t, testutil.CollectAndCompare(collector, strings.NewReader(serving)))

		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		require.Error(t, api.Close(limited))
		require.NoError(t, <-served)
		require.NoError(t, testutil.CollectAndCompare(collector, strings.NewReader(stopped),
			"handover_shutdown_requests_in_flight", "handover_shutdown_last_new_seconds",
			"handover_shutdown_requests", "handover_shutdown_connections_closed", "handover_shutdown_cut"))
		require.Equal(t, 5, testutil.CollectAndCount(collector, "handover_shutdown_step_seconds"))
		problems, err := testutil.CollectAndLint(collector)
		require.NoError(t, err)
		require.Empty(t, problems)
		for _, c := range clients {
			require.NoError(t, c.Close())
		}
		time.Sleep(time.Minute) // the handlers end
	})
}

// What is served last, and with the probes: the server that Prometheus asks stops
// when all others have, and answers a scrape that has begun.
func TestTheLastScrapeSeesHowTheOthersHaveStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.WithoutCancel(t.Context())
		serve := func(h http.Handler) (*shutdown.Server, *pipenet.Listener, <-chan error) {
			l, served := pipenet.Listen(10), make(chan error, 1)
			s := shutdown.HTTP(&http.Server{Handler: h}, shutdown.Config{Listener: l, Logger: slog.New(slog.DiscardHandler)})
			require.NoError(t, s.Listen(ctx))
			go func() { served <- s.Serve(ctx) }()
			return s, l, served
		}
		api, calls, apiServed := serve(service())
		registry := prometheus.NewRegistry()
		require.NoError(t, registry.Register(promshutdown.New(api, promshutdown.Config{Name: "api"})))
		admin, scrapes, adminServed := serve(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

		c, err := calls.Dial(ctx)
		require.NoError(t, err)
		_, err = io.WriteString(c, "GET /quick HTTP/1.1\r\nHost: test\r\n\r\n")
		require.NoError(t, err)
		go func() { _, _ = io.Copy(io.Discard, c) }()
		synctest.Wait()
		require.NoError(t, api.Close(ctx))
		require.NoError(t, <-apiServed)

		scrape, err := scrapes.Dial(ctx)
		require.NoError(t, err)
		_, err = io.WriteString(scrape, "GET /metrics HTTP/1.1\r\nHost: te")
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() { done <- admin.Close(ctx) }()
		synctest.Wait()
		_, err = io.WriteString(scrape, "st\r\n\r\n")
		require.NoError(t, err)
		answer, err := io.ReadAll(scrape)
		require.NoError(t, err)
		require.Contains(t, string(answer), `handover_shutdown_requests{outcome="finished",server="api"} 1`)
		require.NoError(t, <-done)
		require.NoError(t, <-adminServed)
		require.NoError(t, c.Close())
		require.NoError(t, scrape.Close())
	})
}

const serving = `
# HELP handover_shutdown_connections Open connections by what they are doing.
# TYPE handover_shutdown_connections gauge
handover_shutdown_connections{server="api",state="active"} 3
handover_shutdown_connections{server="api",state="hijacked"} 1
handover_shutdown_connections{server="api",state="idle"} 0
handover_shutdown_connections{server="api",state="new"} 1
handover_shutdown_connections{server="api",state="reading"} 0
# HELP handover_shutdown_requests_in_flight Requests that are being answered.
# TYPE handover_shutdown_requests_in_flight gauge
handover_shutdown_requests_in_flight{server="api"} 3
`

const stopped = `
# HELP handover_shutdown_connections_closed Connections that the server sent away.
# TYPE handover_shutdown_connections_closed gauge
handover_shutdown_connections_closed{reason="given_up",server="api"} 1
handover_shutdown_connections_closed{reason="told",server="api"} 1
# HELP handover_shutdown_cut What was still in flight at the deadline.
# TYPE handover_shutdown_cut gauge
handover_shutdown_cut{kind="hijacked",server="api"} 1
handover_shutdown_cut{kind="request",server="api"} 1
handover_shutdown_cut{kind="told",server="api"} 1
# HELP handover_shutdown_last_new_seconds When the last first request on a new connection came, since the signal; 0 if none came.
# TYPE handover_shutdown_last_new_seconds gauge
handover_shutdown_last_new_seconds{server="api"} 0
# HELP handover_shutdown_requests Requests that were answered since the stop began.
# TYPE handover_shutdown_requests gauge
handover_shutdown_requests{outcome="finished",server="api"} 1
handover_shutdown_requests{outcome="refused",server="api"} 0
# HELP handover_shutdown_requests_in_flight Requests that are being answered.
# TYPE handover_shutdown_requests_in_flight gauge
handover_shutdown_requests_in_flight{server="api"} 0
`

func TestTwoServersFitIntoOneRegistry(t *testing.T) {
	registry := prometheus.NewRegistry()
	for _, name := range []string{"api", "admin"} {
		server := shutdown.HTTP(&http.Server{}, shutdown.Config{})
		require.NoError(t, registry.Register(promshutdown.New(server, promshutdown.Config{Name: name})))
	}
	_, err := registry.Gather()
	require.NoError(t, err)
}

func TestNoServerIsAnErrorOfTheScrape(t *testing.T) {
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(promshutdown.New(nil, promshutdown.Config{})))
	_, err := registry.Gather()
	require.ErrorContains(t, err, "New was given a nil server")
}
