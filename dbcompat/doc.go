// Package dbcompat replaces a column of a PostgreSQL table while old and new versions of
// a program use it, and nobody notices.
//
// A column that is being replaced has a [Stage], which says what is written and what is
// believed. It is deployed, or switched, one step at a time:
//
//	stage      writes               believes   the step
//	Old        old                  old        the new column exists, nullable
//	DualWrite  both, one statement  old        back-fill when nobody is at Old any more
//	ReadNew    both, one statement  new        after the verification; old may be NULL after it
//	New        new                  new        when nobody reads old, it can be dropped
//
// The invariant: neighbouring stages may run side by side, others may not (New and
// DualWrite lose writes, Old and ReadNew read stale ones; the model in the tests walks
// through all interleavings). And the believed column is only ever written by the
// program, never by a machine.
//
// A [Column], or [Columns] if several change at once, gives the parts of each statement by
// stage, always with explicit lists: Set, Insert, SetExcluded, InsertFrom and Copy to
// write, Select, Into and Believed to read. The program speaks the new column's language
// at all stages: where old is believed it reads up(old), and writes down(value). What it
// reads at DualWrite and ReadNew is compared in the same row; a mismatch is counted, and
// never fails a request. They are for pgx and for database/sql; with sqlc, one chooses
// among its queries by WritesOld, WritesNew and BelievesNew.
//
// An [Added] column replaces none. It needs no stages.
//
// pgxdbcompat pins the stage to a transaction, and keeps prepared statements from failing
// after DDL. Back-fill, verification and repair are in backfill, safe DDL in ddl, and a
// trigger for writers that know nothing of all this in heal. This package opens no
// connection and runs no statement.
package dbcompat
