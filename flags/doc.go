// Package flags answers which behaviour a user gets, without a network, a lock or an
// allocation on the way.
//
// A [Client] loads a set of definitions from a [Source], in flagd's format
// (https://flagd.dev/reference/flag-definitions), compiles it and holds it in one
// pointer. Flags are declared as values with a safe default, and handed to it:
//
//	load ──► compile ──► in force ──► pinned to a request ──► newCheckout.On(ctx)
//	  │         └ wrong: refused with every mistake; the set in force stays
//	  └ fails: the set in force stays, and is known to be stale
//
// Where a set comes from, first that has one: the source; the last good copy on disk;
// what is embedded in the program; nothing, so that each flag is at its default. Start
// takes Config.StartTimeout at most and does not fail for a store that is down.
//
// The invariants: one request sees one version of everything (Middleware and Pin see to
// that), and no error opens a flag. An evaluation that is not pinned, a flag that the
// set does not know, a variant of another type, a rollout without a key to go by: each
// gives a default with a reason, and is counted.
//
// Off is fast: Kill forces a flag to its default through everything, pins, Freeze and
// overrides; a definition whose state becomes DISABLED does so through pins and Freeze,
// unless an override says otherwise. On is as slow as the rollout says: who falls where
// is decided by the bucketing that the set names in its metadata ("flagd-v2", "v1",
// "md5-100"), and raising a percentage takes nobody away.
//
// Sources are in fileflags, httpflags and pgflags; metrics in promflags; an admin page
// in console; tests use flagstest. There is no registry and no service.
package flags
