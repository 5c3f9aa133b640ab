package ofprovider

import (
	"context"
	"sync"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/handover-go/handover/flags"
)

// name is what hooks, events and telemetry call the provider.
const name = "handover"

// Provider is an openfeature.FeatureProvider with state and events. Use New. Its methods
// may be called from any goroutine, and it may be bound to several domains.
type Provider struct {
	client *flags.Client
	events chan openfeature.Event

	mu      sync.Mutex
	session *session // the last one; nil before the first Init
}

// New returns a provider that asks this client. It does nothing before Init.
func New(client *flags.Client) *Provider {
	return &Provider{client: client, events: make(chan openfeature.Event)}
}

// Metadata has the provider's name, handover.
func (p *Provider) Metadata() openfeature.Metadata { return openfeature.Metadata{Name: name} }

// Hooks are none: what the provider has to say is in the metadata of each evaluation.
func (p *Provider) Hooks() []openfeature.Hook { return nil }

// EventChannel is where the provider says what has become of it. It is never closed; what
// is not taken from it waits, and becomes one with what comes after it.
func (p *Provider) EventChannel() <-chan openfeature.Event { return p.events }

// BooleanEvaluation gives the flag's value if that is true or false.
func (p *Provider) BooleanEvaluation(ctx context.Context, flag string, fallback bool, flat openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	return resolve(ctx, p.client, flag, fallback, flat, is[bool])
}

// StringEvaluation gives the flag's value if that is text.
func (p *Provider) StringEvaluation(ctx context.Context, flag, fallback string, flat openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	return resolve(ctx, p.client, flag, fallback, flat, is[string])
}

// FloatEvaluation gives the flag's value if that is a number.
func (p *Provider) FloatEvaluation(ctx context.Context, flag string, fallback float64, flat openfeature.FlattenedContext) openfeature.FloatResolutionDetail {
	return resolve(ctx, p.client, flag, fallback, flat, is[float64])
}

// IntEvaluation gives the flag's value if that is a whole number below 2⁵³: 10, and
// 10.0, but not 10.5, which is a TYPE_MISMATCH and not 10.
func (p *Provider) IntEvaluation(ctx context.Context, flag string, fallback int64, flat openfeature.FlattenedContext) openfeature.IntResolutionDetail {
	return resolve(ctx, p.client, flag, fallback, flat, whole)
}

// ObjectEvaluation gives the flag's value if that is an object, as a map[string]any. It
// is a copy and the caller's own.
func (p *Provider) ObjectEvaluation(ctx context.Context, flag string, fallback any, flat openfeature.FlattenedContext) openfeature.InterfaceResolutionDetail {
	return resolve(ctx, p.client, flag, fallback, flat, object)
}
