// Package ddl changes a PostgreSQL table that is in use, without making anybody wait
// for longer than a moment.
//
//	r := ddl.New(pool, ddl.Config{})
//	plan, err := r.Plan(ctx, ops...) // what would be done, and who is in the way now
//	err = r.Run(ctx, ops...)         // does what of it has not been done
//
// An operation becomes the safe steps for it, which PostgreSQL would not take by itself:
//
//	AddColumn    nullable, without a default: no row is touched
//	SetDefault   for new rows only
//	DropNotNull  before new rows come without the old column
//	SetNotNull   CHECK NOT VALID, VALIDATE, SET NOT NULL, drop the CHECK; 18: NOT NULL NOT VALID
//	Check        NOT VALID, then VALIDATE in a transaction of its own
//	ForeignKey   the same
//	CreateIndex  CONCURRENTLY; an INVALID leftover is dropped first
//	Unique       the index as above, then ADD CONSTRAINT USING INDEX
//	CopyTwin     what the old column has, for the new one, after the back-fill
//	DropIndex, DropConstraint, DropColumn
//
// The invariant: no wait for a lock is unbounded, and none happens while holding another
// step's lock. A statement that waits for a lock has all those behind it that come later,
// readers too, so each step has a transaction of its own and a lock_timeout, gives up, and
// comes back after a pause. When it has come back too often, the error says who was in
// the way.
//
// Before a step the catalog is asked whether it has been done: Run may be called again
// after a crash, and by several instances at once. IF NOT EXISTS is never used, as it is
// content with an index that is INVALID.
//
// It takes a pool, as it must not be within a transaction. It does not do partitioned
// tables, and has no table of its own. Nothing is changed back by itself: a step says how.
package ddl
