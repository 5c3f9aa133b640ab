package ofprovider

import (
	"fmt"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/handover-go/handover/flags"
)

const noClient = "ofprovider: there is no client: give New one"

// failed is the caller's default, and why.
func failed[T any](fallback T, err openfeature.ResolutionError, metadata openfeature.FlagMetadata) openfeature.GenericResolutionDetail[T] {
	return openfeature.GenericResolutionDetail[T]{
		Value: fallback,
		ProviderResolutionDetail: openfeature.ProviderResolutionDetail{
			Reason: openfeature.ErrorReason, ResolutionError: err, FlagMetadata: metadata,
		},
	}
}

func errorOf(flag string, code flags.Code) openfeature.ResolutionError {
	switch code {
	case flags.CodeNotReady:
		return openfeature.NewProviderNotReadyResolutionError("there is no set of flags yet")
	case flags.CodeFlagNotFound:
		return openfeature.NewFlagNotFoundResolutionError(fmt.Sprintf("the set has no flag %q", flag))
	case flags.CodeParse:
		return openfeature.NewParseErrorResolutionError(fmt.Sprintf("the definition of flag %q cannot be evaluated", flag))
	case flags.CodeTypeMismatch:
		return openfeature.NewTypeMismatchResolutionError(fmt.Sprintf("a variant of flag %q is not of its type", flag))
	default:
		return openfeature.NewGeneralResolutionError(fmt.Sprintf("a rule of flag %q gave none of its variants", flag))
	}
}

func mismatch(flag string, d flags.Detail[any]) openfeature.ResolutionError {
	return openfeature.NewTypeMismatchResolutionError(
		fmt.Sprintf("variant %q of flag %q is %s: ask for that, or change the definition", d.Variant, flag, kindOf(d.Value)))
}
