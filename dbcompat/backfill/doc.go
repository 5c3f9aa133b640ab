// Package backfill fills a new column from an old one, verifies that the two agree, and
// repairs what does not, while the program goes on.
//
//	fill := backfill.New(pool, columns, dbcompat.Fixed(dbcompat.DualWrite), backfill.Config{})
//	err := fill.Run(ctx)               // again after an interruption: it goes on from there
//	found, err := fill.Verify(ctx)     // found.Mismatches has to be 0 before ReadNew
//
// The stage says what is written, and from what; without one nothing is:
//
//	Old, DualWrite   new = up(old)      believed, so never written: old
//	ReadNew, New     old = down(new)    believed, so never written: new
//
// An added column has no stage: [NewAdded] fills it where it is NULL.
//
// One batch is one transaction of one round trip:
//
//	which stage? throttled? ──► BEGIN, time-outs, lock the run's row if it is still ours and
//	not paused, find the n-th key, UPDATE … WHERE key > cursor AND key <= n-th AND twin IS
//	DISTINCT FROM f(believed), the cursor and the counts, COMMIT ──► grow or shrink n
//
// The invariant: the cursor is where the rows are. Both are of one transaction, so
// whatever is killed, and whenever, no row is done twice and none is left out. The value
// is computed from the row as it is when it is locked, so nothing that others write is
// lost. A run ends, as it goes up to the greatest key that there was when it began; rows
// of later are the business of those who write both columns.
//
// So no batch waits for the disk: a crash of the server takes rows and cursor back
// together. The end of a run, and a verification, do wait, and with them all that is
// before them in the WAL: what has been said to be done is done.
//
// Run it when nobody is at the stage Old any more. What writers of one column do behind
// the cursor is not found by a run, nor a row whose key changes: Verify finds it.
//
// Nothing is bound to a session (a lease row, no advisory locks, no SET that stays), so
// a pooler by transaction may be in between. The triggers of the table see the updates as
// they see all others; updated_at moves if a trigger moves it. A table without a key has
// to get one first.
package backfill
