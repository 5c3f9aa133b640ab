package ofprovider_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/ofprovider"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("connection refused")

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
	changed()
	<-ctx.Done()
	return nil
}

// put changes the contents, and tells who watches.
func (s *store) put(json string, err error) {
	s.mu.Lock()
	s.json, s.err = json, err
	changed := s.changed
	s.mu.Unlock()
	if changed != nil {
		changed()
	}
}

// set is a set of flags that are on for everybody.
func set(keys ...string) string {
	var all []string
	for _, key := range keys {
		all = append(all, fmt.Sprintf(`%q: {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"}`, key))
	}
	return `{"metadata": {"version": "` + strings.Join(keys, "+") + `"}, "flags": {` + strings.Join(all, ",") + `}}`
}

// newClient is asked every 10 s and stale after 40 s, if cfg does not say otherwise.
func newClient(source flags.Source, cfg flags.Config) *flags.Client {
	cfg.Logger = slog.New(slog.DiscardHandler)
	if cfg.Interval == 0 {
		cfg.Interval = 10 * time.Second
	}
	return flags.New(source, cfg)
}

// started is a client that has asked its source once.
func started(t testing.TB, source flags.Source, cfg flags.Config) *flags.Client {
	t.Helper()
	client := newClient(source, cfg)
	require.NoError(t, client.Start(t.Context()))
	return client
}

// running runs the client until stop is called.
func running(t *testing.T, client *flags.Client) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- client.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-ended)
	}
}

// bound is an API of its own with the provider in a domain, and a client of that.
func bound(t testing.TB, provider openfeature.FeatureProvider) (*openfeature.EvaluationAPI, *openfeature.Client) {
	t.Helper()
	api := isolated.NewAPI()
	require.NoError(t, api.SetProviderAndWait(t.Context(), provider, shop))
	return api, api.NewClient(shop)
}

var shop, desk = openfeature.WithDomain("shop"), openfeature.WithDomain("desk")

// diary is what handlers of all events have heard, in the time of the bubble.
type diary struct {
	began time.Time
	mu    sync.Mutex
	lines []string
}

// listening writes down what the client of a domain hears from now on.
func listening(client *openfeature.Client) *diary {
	d := &diary{began: time.Now()}
	for _, event := range []openfeature.EventType{
		openfeature.ProviderReady, openfeature.ProviderStale, openfeature.ProviderError, openfeature.ProviderConfigChange,
	} {
		handler := func(details openfeature.EventDetails) {
			d.mu.Lock()
			defer d.mu.Unlock()
			line := fmt.Sprintf("%v %s %s", time.Since(d.began), details.ProviderName, strings.TrimPrefix(string(event), "PROVIDER_"))
			if len(details.FlagChanges) > 0 {
				line += fmt.Sprint(" ", details.FlagChanges)
			}
			d.lines = append(d.lines, line)
		}
		client.AddHandler(event, &handler)
	}
	return d
}

// takes is what has been heard since the last time. The SDK calls each handler in a
// goroutine of its own, so that there is no order within a moment.
func (d *diary) takes() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	slices.Sort(lines)
	return lines
}

// passes lets time go by, in a bubble.
func passes(d time.Duration) { <-time.After(d) }

// told is all there is on a channel that nobody else reads, as types.
func told(provider *ofprovider.Provider) (types []openfeature.EventType) {
	for {
		synctest.Wait()
		select {
		case event := <-provider.EventChannel():
			types = append(types, event.EventType)
		default:
			return types
		}
	}
}
