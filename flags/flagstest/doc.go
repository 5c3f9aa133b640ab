// Package flagstest is for tests of programs that use flags, and of sources.
//
// A flag is set for a test by its own method, which is safe in parallel, as nothing but
// the context knows of it:
//
//	ctx := newCheckout.With(t.Context(), true)
//
// [Client] is for a test of rules: a client of definitions that are written there.
// [NoneExpired] fails when a flag should have been gone. [TestSource] is the contract of
// flags.Source and flags.Watcher, for those who write one:
//
//	what was set        comes back whole, at once, alone, and stays as it was returned
//	nothing changed     the same bytes, the same revision
//	a store is gone     an error, and not an empty set
//	a store hangs       Load ends with its context
//	a Revision          rises with each change, or there is none
//	Watch               tells of its start, a change, a repair; ends with its context
//	                    and leaves nothing
//	a Client of it      takes a kill into a request that is pinned, and outlives an outage
//
// Each rule has a source in this package's tests that is wrong, and that the rule finds.
// A source that passes may still be wrong in ways of its own: what a file system or a
// database can do is for the tests of its package.
package flagstest
