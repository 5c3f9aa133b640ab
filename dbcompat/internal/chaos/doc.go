// Package chaos has no code but its tests: a fleet of real processes goes through all
// stages of a column that is being replaced, there and back, and nobody notices.
//
//	4 workers      read and write at the stage that they are told, one after the other, so
//	               that neighbours live side by side; one is killed in the middle of a roll
//	               and replaced
//	the back-fill  a process of its own; killed at random points, and started again
//	the parent     rolls, kills, verifies, and keeps the ledger, as package ledger has it
//
//	Old ─► DualWrite, fill ─► ReadNew ─► New
//	Old ◄─ DualWrite ◄─ ReadNew, fill in reverse ◄─ New
//	Old ─► DualWrite, fill ─► ReadNew ─► New
//
// The invariant: at neighbouring stages no read is stale, no write is lost, and there are
// no errors, whatever is killed. At others the same ledger finds them.
//
// The choices are random; CHAOS_SEED, which a failure tells, repeats them, but not how the
// processes interleave. A test waits for what happened, not for a while.
package chaos
