package browser_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/interop/browser/pgpages"
	"github.com/handover-go/handover/probes"
)

var errAway = errors.New("dial tcp 10.11.12.13:5432: connect: connection refused")

func TestProbes(t *testing.T) {
	t.Parallel()
	chromium.running(t)
	set := probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, set.Add(
		probes.Check{Name: "postgres", Kind: probes.Readiness, Scope: probes.Local, Run: func(context.Context) error {
			return fmt.Errorf("pgprobes: failed to connect to `user=app database=shop`: %w", errAway)
		}},
		probes.Check{Name: "search-index-of-all-products", Kind: probes.Readiness, Scope: probes.Local, Impact: probes.Degrading, Run: func(context.Context) error { return errAway }},
		probes.Check{Name: "templates", Kind: probes.Startup, Run: func(context.Context) error { return nil }},
	))
	pgpages.Background(t, set.Run)
	server := httptest.NewServer(set.AdminHandler())
	t.Cleanup(server.Close)
	require.Eventually(t, func() bool {
		for _, c := range set.Report().Checks {
			if len(c.Runs) == 0 {
				return false
			}
		}
		return true
	}, patience, tick)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/readyz", http.NoBody)
	require.NoError(t, err)
	request.Header.Set("User-Agent", "kube-probe/1.33")
	answer, err := server.Client().Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	everywhere(t, server.URL, "h1", "h2", "tr td", ".fail", ".warn", ".pass")
}
