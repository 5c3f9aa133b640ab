package dialect_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/dialect"
)

// asks is what a handler says to one request.
func asks(handler http.Handler, method, path, agent string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("User-Agent", agent)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	return recorder
}

// newSet has a check that passes once, and then fails as it is told.
func newSet(t *testing.T, check probes.Check, err error) *probes.Set {
	t.Helper()
	set := probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler), Delay: -1})
	check.Name, check.Kind, check.FailAfter = "postgres", probes.Readiness, 1
	first := true
	check.Run = func(context.Context) error {
		defer func() { first = false }()
		if first {
			return nil
		}
		return err
	}
	require.NoError(t, set.Add(check))
	return set
}

func TestWhatBalancersAreTold(t *testing.T) {
	broken := errors.New("broken")
	local, shared := probes.Check{Scope: probes.Local}, probes.Check{Scope: probes.Shared}
	tests := map[string]struct {
		check probes.Check
		err   error
		life  string // starting, serving, draining, drained at once, stale
		want  [3]int // /readyz, Consul, HAProxy
	}{
		"before it is ready":                   {local, nil, "starting", [3]int{503, 503, 503}},
		"all is well":                          {local, nil, "serving", [3]int{200, 200, 200}},
		"a shared check fails open":            {shared, broken, "serving", [3]int{200, 429, 200}},
		"a local check fails":                  {local, broken, "serving", [3]int{503, 503, 503}},
		"it drains":                            {local, nil, "draining", [3]int{503, 503, 404}},
		"it drains and warns":                  {shared, broken, "draining", [3]int{503, 503, 404}},
		"it drains and fails":                  {local, broken, "draining", [3]int{503, 503, 404}},
		"it drains before it has become ready": {local, nil, "drained at once", [3]int{503, 503, 404}},
		"nobody judges any more":               {shared, nil, "stale", [3]int{503, 503, 503}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := newSet(t, tt.check, tt.err)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				if tt.life == "drained at once" {
					require.NoError(t, set.Drain(ctx))
				}
				go func() { ended <- set.Run(ctx) }()
				if tt.life != "starting" {
					require.NoError(t, set.Ready(ctx))
				}
				time.Sleep(7 * time.Second) // the second run has been
				if tt.life == "draining" {
					require.NoError(t, set.Drain(ctx))
				}
				if tt.life == "stale" {
					cancel()
					time.Sleep(time.Hour)
				}
				require.Equal(t, tt.want, [3]int{
					asks(set.Handler(), http.MethodGet, "/readyz", "").Code,
					asks(dialect.Consul(set), http.MethodGet, "/consul", "").Code,
					asks(dialect.HAProxy(set), http.MethodGet, "/haproxy", "").Code,
				})
				cancel()
				require.NoError(t, <-ended)
			})
		})
	}
}

// dialects are served as a program would.
func dialects(set *probes.Set) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", set.Handler())
	mux.Handle("/readyz/consul", dialect.Consul(set))
	mux.Handle("/readyz/haproxy", dialect.HAProxy(set))
	mux.Handle("/subtree/", dialect.HAProxy(set))
	return mux
}

func TestButForTheCodeTheAnswerIsThatOfReadyz(t *testing.T) {
	set := probes.New(probes.Config{Delay: -1})
	_, err := set.Toggle("maintenance")
	require.NoError(t, err)
	require.NoError(t, set.Drain(t.Context()))
	want := asks(dialects(set), http.MethodGet, "/readyz", "")
	for _, path := range []string{"/readyz/consul", "/readyz/haproxy"} {
		got := asks(dialects(set), http.MethodGet, path, "")
		require.Equal(t, want.Header(), got.Header())
		require.Equal(t, "no-store", got.Header().Get("Cache-Control"))
		require.Equal(t, want.Body.String(), got.Body.String())
		require.Equal(t, strconv.Itoa(got.Body.Len()), got.Header().Get("Content-Length"))
	}
}

func TestOverTheWire(t *testing.T) {
	set := probes.New(probes.Config{Delay: -1})
	require.NoError(t, set.Ready(t.Context()))
	ready := httptest.NewServer(dialects(set))
	defer ready.Close()
	drained := probes.New(probes.Config{Delay: -1})
	require.NoError(t, drained.Drain(t.Context()))
	draining := httptest.NewServer(dialects(drained))
	defer draining.Close()

	tests := map[string]struct {
		server       *httptest.Server
		method, path string
		want         string // the code and Allow
	}{
		"GET":                           {ready, http.MethodGet, "/readyz/haproxy", "200"},
		"HEAD":                          {ready, http.MethodHead, "/readyz/haproxy", "200"},
		"HEAD while it drains":          {draining, http.MethodHead, "/readyz/haproxy", "404"},
		"HAProxy's default":             {ready, http.MethodOptions, "/readyz/haproxy", "405 GET, HEAD"},
		"POST while it drains":          {draining, http.MethodPost, "/readyz/consul", "405 GET, HEAD"},
		"a path below":                  {ready, http.MethodGet, "/readyz/haproxy/x", "404"},
		"a slash too much":              {ready, http.MethodGet, "/readyz/consul/", "404"},
		"mounted at a subtree":          {ready, http.MethodGet, "/subtree/", "200"},
		"a path below a subtree":        {ready, http.MethodGet, "/subtree/x", "404"},
		"the tail of a subtree's path":  {ready, http.MethodGet, "/subtree/subtree/", "404"},
		"another endpoint is not meant": {draining, http.MethodGet, "/livez", "200"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, tt.server.URL+tt.path, nil)
			require.NoError(t, err)
			response, err := tt.server.Client().Transport.RoundTrip(r) // follows no redirect
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			got := strconv.Itoa(response.StatusCode)
			if allow := response.Header.Get("Allow"); allow != "" {
				got += " " + allow
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestDrainWaitsForWhoIsToldInADialect(t *testing.T) {
	tests := map[string]struct {
		handler func(*probes.Set) http.Handler
		agent   string
	}{
		"Consul":  {dialect.Consul, "Consul Health Check"},
		"HAProxy": {dialect.HAProxy, "HAProxy"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := probes.New(probes.Config{Delay: -1})
				require.NoError(t, set.Ready(t.Context()))
				asks(tt.handler(set), http.MethodGet, "/x", tt.agent)
				began := time.Now()
				drained := make(chan time.Duration, 1)
				go func() {
					_ = set.Drain(t.Context()) // it never fails
					drained <- time.Since(began)
				}()
				for range 3 {
					time.Sleep(time.Second)
					asks(tt.handler(set), http.MethodGet, "/x", tt.agent)
				}
				require.Equal(t, 3100*time.Millisecond, <-drained, "and the last answer has arrived")
			})
		})
	}
}

// A warning has traffic, so whoever was told 429 has not been told of a drain.
func TestAWarningIsNoWordOfADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newSet(t, probes.Check{Scope: probes.Shared}, errors.New("broken"))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- set.Run(ctx) }()
		require.NoError(t, set.Ready(ctx))
		time.Sleep(7 * time.Second)
		require.Equal(t, 429, asks(dialect.Consul(set), http.MethodGet, "/consul", "Consul Health Check").Code)
		asked := set.Report().Asked
		require.Equal(t, []probes.Asked{{Kind: probes.Readiness, Agent: "consul", OK: true, N: 1}}, asked)
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestNoSetIsNotReady(t *testing.T) {
	for _, handler := range []http.Handler{dialect.Consul(nil), dialect.HAProxy(nil)} {
		require.Equal(t, 503, asks(handler, http.MethodGet, "/readyz", "").Code)
	}
}

func Example() {
	health := probes.New(probes.Config{Delay: -1})
	mux := http.NewServeMux()
	mux.Handle("/", health.Handler())
	mux.Handle("/readyz/haproxy", dialect.HAProxy(health))

	ctx := context.Background()
	look := func(when string) {
		for _, path := range []string{"/readyz", "/readyz/haproxy"} {
			recorder := httptest.NewRecorder()
			mux.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
			fmt.Println(when, path, recorder.Code)
		}
	}
	_ = health.Ready(ctx)
	look("serving: ")
	_ = health.Drain(ctx)
	look("draining:")
	// Output:
	// serving:  /readyz 200
	// serving:  /readyz/haproxy 200
	// draining: /readyz 503
	// draining: /readyz/haproxy 404
}
