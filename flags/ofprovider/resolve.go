package ofprovider

import (
	"context"
	"fmt"
	"maps"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/handover-go/handover/flags"
)

// The keys of flag metadata that are the provider's. The version goes by the name that
// OpenFeature's telemetry looks for (specification, appendix D).
const (
	versionKey = "version"
	noKeyKey   = "targetingKeyMissing"
)

// resolve asks the client, and puts its answer into OpenFeature's words.
func resolve[T any](
	ctx context.Context, client *flags.Client, flag string, fallback T,
	flat openfeature.FlattenedContext, as func(any) (T, bool),
) openfeature.GenericResolutionDetail[T] {
	if client == nil {
		return failed(fallback, openfeature.NewProviderFatalResolutionError(noClient), nil)
	}
	subject, ok := subjectOf(flat)
	if !ok {
		return failed(fallback, openfeature.NewInvalidContextResolutionError(
			fmt.Sprintf("%s is a %T: give a string", openfeature.TargetingKey, flat[openfeature.TargetingKey])), nil)
	}
	d := client.Lookup(ctx, flag, subject)
	metadata := metadataOf(client.Metadata(flag), d.Evaluation)
	if d.Reason == flags.ReasonError {
		return failed(fallback, errorOf(flag, d.Code), metadata)
	}
	detail := openfeature.GenericResolutionDetail[T]{
		Value: fallback,
		ProviderResolutionDetail: openfeature.ProviderResolutionDetail{
			Reason: reasonOf(d.Reason), Variant: d.Variant, FlagMetadata: metadata,
		},
	}
	if d.Value != nil {
		if detail.Value, ok = as(d.Value); !ok {
			return failed(fallback, mismatch(flag, d), metadata)
		}
	}
	return detail
}

// subjectOf is whom a flag is asked for. The context is not copied: to a rule,
// targetingKey is the subject's key, whatever else goes by that name.
func subjectOf(flat openfeature.FlattenedContext) (flags.Subject, bool) {
	s := flags.Subject{Attributes: flat}
	key, given := flat[openfeature.TargetingKey]
	if given && key != nil {
		var ok bool
		if s.Key, ok = key.(string); !ok {
			return s, false
		}
	}
	return s, true
}

// metadataOf is what the definitions say, and what they do not. The version is that of
// the set which gave the value, even if a flag says one of itself: telemetry asks for
// that of the rules.
//
// The missing key is told here and is no TARGETING_KEY_MISSING: an error would replace
// the default variant by the caller's default, and flagd's readers give the former.
func metadataOf(defined map[string]any, e flags.Evaluation) openfeature.FlagMetadata {
	m := make(openfeature.FlagMetadata, len(defined)+2)
	maps.Copy(m, defined)
	if e.Version != "" {
		m[versionKey] = e.Version
	}
	if e.NoKey {
		m[noKeyKey] = true
	}
	return m
}

func reasonOf(r flags.Reason) openfeature.Reason {
	switch r {
	case flags.ReasonStatic, flags.ReasonDefault, flags.ReasonTargetingMatch, flags.ReasonSplit, flags.ReasonDisabled:
		return openfeature.Reason(r.String())
	default: // one of the client's own words
		return openfeature.UnknownReason
	}
}
