package ofprovider_test

import (
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/ofprovider"
)

// What each layer costs: a declared flag, the client by key, the provider, the SDK.
func BenchmarkRollout(b *testing.B) {
	rollout := flags.Bool("rollout", false)
	fl := flags.New(flags.Static(shopFlags), flags.Config{Lenient: true}, rollout)
	require.NoError(b, fl.Start(b.Context()))
	provider := ofprovider.New(fl)
	api, client := bound(b, provider)
	defer func() { require.NoError(b, api.Shutdown(b.Context())) }()

	subject := flags.Subject{Key: "ann"}
	pinned := fl.Pin(b.Context(), subject)
	about := openfeature.NewEvaluationContext("ann", nil)
	flat := openfeature.FlattenedContext{openfeature.TargetingKey: "ann"}
	for name, on := range map[string]func() bool{
		"declared": func() bool { return rollout.On(pinned) },
		"lookup":   func() bool { return fl.Lookup(b.Context(), "rollout", subject).Value == true },
		"provider": func() bool { return provider.BooleanEvaluation(b.Context(), "rollout", false, flat).Value },
		"sdk":      func() bool { return client.Boolean(b.Context(), "rollout", false, about) },
	} {
		b.Run(name, func(b *testing.B) {
			require.True(b, on())
			b.ReportAllocs()
			for b.Loop() {
				on()
			}
		})
	}
}
