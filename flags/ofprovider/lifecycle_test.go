package ofprovider_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/ofprovider"
)

var (
	_ openfeature.FeatureProvider          = (*ofprovider.Provider)(nil)
	_ openfeature.ContextAwareStateHandler = (*ofprovider.Provider)(nil)
	_ openfeature.EventHandler             = (*ofprovider.Provider)(nil)
)

// 2.4.1: Init waits for a set, and for no longer than it may.
func TestInit(t *testing.T) {
	type outcome struct {
		took time.Duration
		err  string
	}
	for name, tt := range map[string]struct {
		within time.Duration // of the context; 0 is for ever
		before func(context.Context, *flags.Client)
		during func(context.Context, *flags.Client, *ofprovider.Provider)
		source *store
		cfg    flags.Config
		want   outcome
	}{
		"there is a set": {
			source: &store{json: set("new")},
			before: func(ctx context.Context, c *flags.Client) { _ = c.Start(ctx) },
		},
		"there is a set of old": {
			source: &store{err: errDown}, cfg: flags.Config{Bootstrap: []byte(set("new"))},
			before: func(ctx context.Context, c *flags.Client) { _ = c.Start(ctx) },
		},
		"the client starts after it": {
			source: &store{json: set("new")},
			during: func(ctx context.Context, c *flags.Client, _ *ofprovider.Provider) {
				passes(3 * time.Second)
				_ = c.Start(ctx)
			},
			want: outcome{took: 3 * time.Second},
		},
		"the context ends": {
			source: &store{err: errDown}, within: time.Second,
			before: func(ctx context.Context, c *flags.Client) { _ = c.Start(ctx) },
			want:   outcome{time.Second, "ofprovider: init: context deadline exceeded: no set, flags are at their defaults: flags: load source: connection refused"},
		},
		"nobody starts the client, and the context does not end": {
			source: &store{json: set("new")},
			want:   outcome{10 * time.Second, "ofprovider: init: context deadline exceeded: flags: no set, flags are at their defaults: not started"},
		},
		"a context may be longer than that": {
			source: &store{json: set("new")}, within: time.Minute,
			during: func(ctx context.Context, c *flags.Client, _ *ofprovider.Provider) {
				passes(30 * time.Second)
				_ = c.Start(ctx)
			},
			want: outcome{took: 30 * time.Second},
		},
		"shut down meanwhile": {
			source: &store{json: set("new")},
			during: func(_ context.Context, _ *flags.Client, p *ofprovider.Provider) {
				passes(2 * time.Second)
				p.Shutdown()
			},
			want: outcome{2 * time.Second, "ofprovider: init: context canceled: shut down meanwhile"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(tt.source, tt.cfg)
				provider := ofprovider.New(client)
				if tt.before != nil {
					tt.before(t.Context(), client)
				}
				ctx, cancel := context.WithCancel(t.Context())
				if tt.within > 0 {
					ctx, cancel = context.WithTimeout(t.Context(), tt.within)
				}
				defer cancel()
				var all sync.WaitGroup
				if tt.during != nil {
					all.Go(func() { tt.during(t.Context(), client, provider) })
				}
				began, got := time.Now(), outcome{}
				if err := provider.InitWithContext(ctx, openfeature.EvaluationContext{}); err != nil {
					got.err = err.Error()
				}
				got.took = time.Since(began)
				require.Equal(t, tt.want, got)
				all.Wait()
				require.NoError(t, provider.ShutdownWithContext(t.Context()))
			})
		})
	}
}

// 2.4.2.1, 1.7.5
func TestWithoutAClientInitIsFatal(t *testing.T) {
	api := isolated.NewAPI()
	err := api.SetProviderAndWait(t.Context(), ofprovider.New(nil), shop)
	require.ErrorContains(t, err, "ofprovider: there is no client: give New one")
	require.Equal(t, openfeature.FatalState, api.NewClient(shop).State())
	require.NoError(t, api.Shutdown(t.Context()))
}

// 2.5.2, 2.5.3: Shutdown may come at any time and as often as it likes, and Init after it.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := started(t, &store{json: set("new")}, flags.Config{})
		provider := ofprovider.New(client)
		require.NoError(t, provider.ShutdownWithContext(t.Context()), "before Init")
		for range 2 {
			require.NoError(t, provider.Init(openfeature.EvaluationContext{}))
			require.NoError(t, provider.ShutdownWithContext(t.Context()))
			require.NoError(t, provider.ShutdownWithContext(t.Context()), "twice")
			provider.Shutdown()
		}
		passes(time.Hour)
		require.Empty(t, told(provider), "it follows nothing any more")
		require.True(t, provider.BooleanEvaluation(t.Context(), "new", false, nil).Value, "the client is not its own")
	})
}

// Nobody takes what the provider has to say; it ends all the same.
func TestShutdownWithAnEventInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := ofprovider.New(started(t, &store{json: set("new")}, flags.Config{}))
		require.NoError(t, provider.Init(openfeature.EvaluationContext{}))
		passes(time.Hour)
		require.NoError(t, provider.ShutdownWithContext(t.Context()))
	})
}

// The deadline is the caller's; what runs ends nevertheless, as goleak sees.
func TestShutdownWithinAContextThatHasEnded(t *testing.T) {
	provider := ofprovider.New(started(t, &store{json: set("new")}, flags.Config{}))
	require.NoError(t, provider.Init(openfeature.EvaluationContext{}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := provider.ShutdownWithContext(ctx); err != nil { // it may have been quick
		require.EqualError(t, err, "ofprovider: shutdown: context canceled")
	}
	require.NoError(t, provider.ShutdownWithContext(t.Context()))
}

// All at once, for the race detector.
func TestFromManyGoroutines(t *testing.T) {
	source := &store{json: set("new")}
	client := newClient(source, flags.Config{Interval: time.Millisecond})
	require.NoError(t, client.Start(t.Context()))
	stop := running(t, client)
	provider := ofprovider.New(client)
	api, asked := bound(t, provider)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 200 {
				source.put(set("new", "old"), nil)
				if i%2 == 0 {
					source.put(set("new"), nil)
				}
				asked.Boolean(t.Context(), "new", false, openfeature.NewEvaluationContext("ann", nil))
			}
		})
		all.Go(func() {
			for range 50 {
				_ = provider.Init(openfeature.EvaluationContext{})
				provider.Shutdown()
			}
		})
	}
	all.Wait()
	require.NoError(t, api.Shutdown(t.Context()))
	stop()
}
