package heptioprobes_test

import (
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/heptioprobes"
)

// closed is an address where nobody listens.
func closed(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

func TestTheCatalogue(t *testing.T) {
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("/moved", http.RedirectHandler("/ok", http.StatusFound))
	mux.HandleFunc("/hangs", func(http.ResponseWriter, *http.Request) { <-release })
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		close(release)
		server.Close()
		http.DefaultClient.CloseIdleConnections() // as the original uses its transport
	})
	const shared = probes.Shared
	addr := server.Listener.Addr().String()
	tests := map[string]struct {
		check probes.Check
		want  string // in the error; empty: it passes
	}{
		"a host that resolves":     {heptioprobes.DNS("c", shared, "localhost", 10*time.Second), ""},
		"a host that does not":     {heptioprobes.DNS("c", shared, "nowhere.invalid", 10*time.Second), "nowhere.invalid"},
		"a port that listens":      {heptioprobes.TCP("c", shared, addr, 0), ""},
		"a port that does not":     {heptioprobes.TCP("c", shared, closed(t), 0), "refused"},
		"200":                      {heptioprobes.HTTP("c", shared, server.URL+"/ok", 0), ""},
		"204":                      {heptioprobes.HTTP("c", shared, server.URL+"/empty", 0), "returned status 204"},
		"a redirect":               {heptioprobes.HTTP("c", shared, server.URL+"/moved", 0), "returned status 302"},
		"a server that hangs":      {heptioprobes.HTTP("c", shared, server.URL+"/hangs", 10*time.Millisecond), "Client.Timeout exceeded"},
		"goroutines, few enough":   {heptioprobes.Goroutines("c", math.MaxInt), ""},
		"goroutines, and too many": {heptioprobes.Goroutines("c", 0), "too many goroutines"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, quiet().Add(test.check), "it is ready to add")
			err := test.check.Run(t.Context())
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestWhatTheCatalogueSays(t *testing.T) {
	for _, c := range []probes.Check{
		heptioprobes.DNS("c", probes.Local, "db", 0),
		heptioprobes.TCP("c", probes.Local, "db:5432", 0),
		heptioprobes.HTTP("c", probes.Local, "http://db", 0),
	} {
		require.Equal(t, probes.Readiness, c.Kind)
		require.Equal(t, probes.Local, c.Scope)
		require.Equal(t, 1100*time.Millisecond, c.Timeout, "longer than its own, so that nobody waits for it at the end")
		c.Kind = probes.Liveness
		require.ErrorContains(t, quiet().Add(c), "a check that dials (Dials) on liveness")
	}
	for _, timeout := range []time.Duration{-1, math.MinInt64, math.MaxInt64} {
		require.ErrorContains(t, quiet().Add(heptioprobes.TCP("c", probes.Local, "db:5432", timeout)), "Timeout is ")
	}
	require.ErrorContains(t, quiet().Add(heptioprobes.TCP("c", 0, "db:5432", 0)), "a readiness check needs a scope")

	c := heptioprobes.Goroutines("c", 100)
	require.Equal(t, probes.Degrading, c.Impact)
	c.Kind = probes.Liveness
	require.NoError(t, quiet().Add(c), "who means it")
}
