package flags_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is a source whose contents a test decides.
type store struct {
	mu      sync.Mutex
	doc     flags.Document
	err     error
	loads   int
	watcher func()
}

func serves(json string) *store { return &store{doc: flags.Document{JSON: []byte(json)}} }

func (s *store) Load(context.Context) (flags.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	return s.doc, s.err
}

// put changes the contents, and tells who watches.
func (s *store) put(doc flags.Document, err error) {
	s.mu.Lock()
	s.doc, s.err = doc, err
	watcher := s.watcher
	s.mu.Unlock()
	if watcher != nil {
		watcher()
	}
}

func (s *store) puts(json string) { s.put(flags.Document{JSON: []byte(json)}, nil) }

func (s *store) fails(err error) { s.put(flags.Document{}, err) }

// watched is a store that notices changes.
type watched struct{ *store }

func (w watched) Watch(ctx context.Context, changed func()) error {
	w.mu.Lock()
	w.watcher = changed
	w.mu.Unlock()
	changed()
	<-ctx.Done()
	return nil
}

// started is a client that has started.
func started(t *testing.T, source flags.Source, cfg flags.Config, handles ...flags.Handle) *flags.Client {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := flags.New(source, cfg, handles...)
	require.NoError(t, c.Start(t.Context()))
	return c
}

// runs calls Run until the test, or the bubble, is over.
func runs(t *testing.T, c *flags.Client) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

// flag is the JSON of a set of one flag that is on for everybody, with what else is
// given inside.
func on(key string, more ...string) string {
	return set(fmt.Sprintf(`%q: {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"%s}`, key, join(more)))
}

func set(flags string) string { return `{"flags": {` + flags + `}}` }

func join(more []string) (s string) {
	for _, m := range more {
		s += ", " + m
	}
	return s
}

// diary is a log handler that keeps what was said.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) Enabled(context.Context, slog.Level) bool { return true }
func (d *diary) WithAttrs([]slog.Attr) slog.Handler       { return d }
func (d *diary) WithGroup(string) slog.Handler            { return d }

func (d *diary) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
	return nil
}

func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

func slogOf(d *diary) *slog.Logger { return slog.New(d) }

const hour = time.Hour

// passes lets time go by, in a bubble.
func passes(d time.Duration) { <-time.After(d) }

// fragile is a source whose Watch fails at once.
type fragile struct {
	watched
	watches int
}

func (f *fragile) Watch(context.Context, func()) error {
	f.watches++
	return errDown
}
