package ofprovider

import (
	"errors"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/handover-go/handover/flags"
)

// stateOf is what holds of the client, as OpenFeature has it.
//
// A question that a source has not answered is no ERROR: the next one may be, and what
// is in force is good until it is STALE (an ERROR before that is a false alarm,
// open-feature/flagd#2029). A set that is refused is one, as it takes a person to set it
// right. Neither keeps the SDK from evaluating.
func stateOf(c flags.Change) openfeature.Event {
	event := openfeature.Event{ProviderName: name, EventType: openfeature.ProviderReady}
	event.Message = "flags are up to date"
	switch {
	case c.Status == flags.NotReady:
		event.EventType, event.ErrorCode = openfeature.ProviderError, openfeature.ProviderNotReadyCode
		event.Message = "there is no set of flags yet"
	case errors.As(c.Err, new(*flags.DocumentError)):
		event.EventType, event.ErrorCode = openfeature.ProviderError, openfeature.ParseErrorCode
		event.Message = "a set of flags was refused, the one in force stays"
	case errors.Is(c.Err, flags.ErrOlder), errors.Is(c.Err, flags.ErrShrunk):
		event.EventType, event.ErrorCode = openfeature.ProviderError, openfeature.GeneralCode
		event.Message = "a set of flags was refused, the one in force stays"
	case c.Status == flags.Stale:
		event.EventType = openfeature.ProviderStale
		event.Message = "the source does not stand by the flags in force"
	}
	if c.Err != nil {
		event.Message += ": " + c.Err.Error()
	}
	return event
}
