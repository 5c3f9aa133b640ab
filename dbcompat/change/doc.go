// Package change has a fleet walk through the stages of a dbcompat change together, so
// that no two instances are ever further apart than one stage.
//
// An instance holds a lease, uses the stage that the database says, and acknowledges it.
// The package walk moves the change, when everybody has:
//
//	walk:      advance ─────────────────────────────► everybody? ── settled ──► advance
//	instance:          sees it, new transactions use it │
//	                   old transactions end ──► acknowledge, with a renewal of the lease
//
// Join, Run and Leave are a component's Start, Run and Stop; Check is a readiness check.
// InTx is a transaction at one stage, and Pin the same for those who make their own:
//
//	Pin ── stage, epoch ──► statements ──► Release   the last one of an epoch acknowledges
//
// What a lease does:
//
//	renewed each TTL/3        the stage is used
//	not for TTL − Margin      fenced: Pin and InTx give ErrFenced, for this change only, and
//	                          a transaction that is still open is not committed; readiness
//	                          stays, as a failover must not take out a whole fleet
//	the database says: gone   fenced, and not ready, until it has joined again by itself
//	the code does not fit     not ready: the change is at a stage that this build cannot do
//
// The invariant: at most two neighbouring stages live at a time, as an acknowledged epoch
// means that no transaction of an earlier one runs here, and a lease is no longer relied on
// here before it ends there. It is the protocol of F1 (Online, Asynchronous Schema Change
// in F1, VLDB 2013), with PostgreSQL as the store and the clock.
//
// Nothing is bound to a session, so a pooler by transaction may be in between. An instance
// runs no DDL. What was sent before this process was stopped and is done after its lease,
// no clock here can stop: package walk waits for all transactions that began before the
// lease ended, or has a fence in the database, which refuses them (walk.Options).
package change
