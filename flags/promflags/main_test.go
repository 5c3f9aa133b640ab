package promflags_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is a source whose contents a test decides.
type store struct {
	mu      sync.Mutex
	json    string
	err     error
	changed func()
}

func (s *store) Load(context.Context) (flags.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return flags.Document{JSON: []byte(s.json)}, s.err
}

func (s *store) Watch(ctx context.Context, changed func()) error {
	s.mu.Lock()
	s.changed = changed
	s.mu.Unlock()
	<-ctx.Done()
	return nil
}

func (s *store) puts(json string, err error) {
	s.mu.Lock()
	s.json, s.err = json, err
	changed := s.changed
	s.mu.Unlock()
	changed()
}

// set has flags without rules, each with these variants and the last of them in force.
func set(version string, variants map[string][]string) string {
	var all []string
	for key, names := range variants {
		var values []string
		for _, name := range names {
			values = append(values, fmt.Sprintf("%q: %q", name, name))
		}
		all = append(all, fmt.Sprintf(`%q: {"state": "ENABLED", "variants": {%s}, "defaultVariant": %q}`, key, strings.Join(values, ", "), names[len(names)-1]))
	}
	return fmt.Sprintf(`{"metadata": {"version": %q}, "flags": {%s}}`, version, strings.Join(all, ", "))
}

func started(t *testing.T, source flags.Source, cfg flags.Config, handles ...flags.Handle) *flags.Client {
	t.Helper()
	cfg.Logger, cfg.AllowShrink = slog.New(slog.DiscardHandler), true
	c := flags.New(source, cfg, handles...)
	require.NoError(t, c.Start(t.Context()))
	return c
}

// running runs the client until the returned function is called, which waits for its end.
func running(t *testing.T, c *flags.Client) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = c.Run(ctx) }()
	return func() { cancel(); <-ended }
}

func registry(t *testing.T, collectors ...prometheus.Collector) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	for _, c := range collectors {
		require.NoError(t, r.Register(c))
	}
	return r
}

// sees compares the series of these names, without handover_flags_.
func sees(t *testing.T, metrics prometheus.Gatherer, what string, names ...string) {
	t.Helper()
	for i := range names {
		names[i] = "handover_flags_" + names[i]
	}
	require.NoError(t, testutil.GatherAndCompare(metrics, strings.NewReader(what), names...))
}
