// Package chaos has no code but its tests: a fleet of real processes goes through all
// stages of a column that is being replaced, there and back, and nobody notices.
//
//	4 workers      read and write at the stage that they are told, one after the other, so
//	               that neighbours live side by side; one is killed in the middle of a roll
//	               and replaced
//	the back-fill  a process of its own; killed at random points, and started again
//	the parent     rolls, kills, verifies, and keeps the ledger
//
//	Old ─► DualWrite, fill ─► ReadNew ─► New
//	Old ◄─ DualWrite ◄─ ReadNew, fill in reverse ◄─ New
//	Old ─► DualWrite, fill ─► ReadNew ─► New
//
// A value is a number, and each write of a row is the next one. A worker tells its parent
// what it is about to commit and what has been acknowledged, through a pipe that outlives
// it. Its writes also set a witness, a column that is not being replaced. So
//
//	a read that is stale    differs from the witness of the same row, or goes back
//	a write that is lost    is a number that two were given, or that is not there at the end
//
// The invariant: at neighbouring stages there are none of these, and no errors, whatever
// is killed. At others the same ledger finds them.
//
// The choices are random; CHAOS_SEED, which a failure tells, repeats them, but not how the
// processes interleave. A test waits for what happened, not for a while.
package chaos
