// Package walk moves a change from stage to stage, when the fleet has come along.
//
//	w := walk.New(pool, "users-name", walk.Config{})
//	err := w.Create(ctx, columns, walk.Options{Fence: true})
//	err = w.Advance(ctx, dbcompat.DualWrite) // a *NotReadyError says who and what is missing
//	err = w.Wait(ctx)                        // until nobody is at Old any more
//
// A move is one row that is updated, and is over when it is settled: everybody who lives
// has acknowledged it, and nobody of before can write. Only then there is a next one.
//
//	Advance ── stage, epoch + 1 ──► instances acknowledge ──► settled ──► Advance
//	               two neighbouring stages live             one stage lives
//
// Each step asks for more than that: for code that can do the stage in each instance, for
// no back-fill under way, and
//
//	Old → DualWrite       the new columns are there, and an INSERT may leave them out
//	DualWrite → ReadNew   a verification since the step before, without a mismatch, and
//	                      replicas that have replayed it; nobody is unaware (see Declare)
//	ReadNew → New         an INSERT may leave the old columns out; no trigger of package
//	                      heal, and no declared reader
//	New → ReadNew         always, until Hide
//	ReadNew → DualWrite   after New: a verification of old, since New was left
//	DualWrite → Old       always
//	Hide, Show, Drop      the old columns get other names, get them back, are dropped
//
// The invariant: a refused call has touched nothing, and no two moves are made without
// everybody's acknowledgement in between; the database's trigger refuses that to plain
// SQL too. Who is silent is not ignored: it is gone when no session has a transaction
// from before its lease has ended, or when the fence has been raised against it.
//
// All may be called by several processes at once; one of them makes the move. None needs
// a session of its own.
package walk
