// Package fleet has no code but its tests: a fleet of real processes is walked through all
// stages, up and down, while what can go wrong does, and nobody notices.
//
//	3 workers    join, read and write; what they do is as in package ledger
//	the parent   moves the change by package walk, fills and verifies in between, and
//	             keeps the ledger
//
// In the middle of a move it deals one of
//
//	kill         kill -9, and another process in its place
//	stop         SIGSTOP beyond the lease, with a transaction that has written (open, bare),
//	             or has pinned its stage and is about to begin (late); then SIGCONT
//	drop         the sessions of a worker are ended
//	restart      PostgreSQL is stopped in good order, and started
//	crash        PostgreSQL is killed, and recovers
//	replace      a worker leaves, and another one comes
//
// A bare one does not ask whether its lease is held, so that the database alone has to stop
// it. Each transaction leaves its stage, and its epoch if it has made its own Pin, in the
// database, which knows when it was committed; or says when its last statement was.
//
// The invariant: when an epoch is published, nothing is committed any more that is of one
// before the last. No read is stale, no write is lost, and the transaction of a process
// that was stopped gets an error. Where moves are made without anybody's acknowledgement,
// or a late process meets no fence, the same judge finds it.
//
// FLEET_WALKS is the number of walks, 10 by default, each from one end to the other; make
// soak has 200. FLEET_SEED, which a failure tells, repeats the choices, but not how the
// processes interleave.
package fleet
