// Package ofprovider lets code that speaks OpenFeature read the flags of a
// [flags.Client].
//
// The client is the program's: it is started, run and frozen as ever, and code that
// declares its flags asks it directly. The provider is one more way in, and keeps
// nothing of its own:
//
//	flags.Client          provider                 OpenFeature SDK
//	no set yet            Init waits               NOT_READY, defaults
//	none at the deadline  Init fails, follows on   ERROR, until there is one
//	a set                 Init returns             READY
//	older than it may be  STALE                    STALE, goes on evaluating
//	a set is refused      ERROR                    ERROR, goes on evaluating
//	all is well again     READY                    READY
//	another set           CONFIGURATION_CHANGED    handlers get the flags' keys
//
// A value comes with OpenFeature's reason and error code, the variant, and as flag
// metadata what the definitions say, the version of the set, and targetingKeyMissing
// if a rollout was passed over for want of a key. In a context that the client's
// Middleware or Pin has pinned, the set is the pinned one.
//
// The invariant: an error gives the caller's default, and says so.
//
// READY after Init, and ERROR after an Init that failed, come from the SDK; as of
// v1.20.0 there is no way of telling it that a provider sends them itself, as version 0.9
// of the specification would have it (2.8.1 to 2.8.4). The provider sends the rest.
//
// It does not tell of kills, which are no change of the definitions; does not hear of
// Flag.With; and tells Config.Exposed nothing. Track is not there.
package ofprovider
