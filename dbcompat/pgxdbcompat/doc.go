// Package pgxdbcompat is dbcompat for pgx: a transaction with its stage, and connections
// that survive the DDL of an expand-contract walk.
//
// PostgreSQL refuses a prepared statement whose result has changed its columns or their
// types. pgx prepares what it is given, on each connection, so one ALTER TABLE is an
// error for each pair of a connection and a statement; in a transaction, it is lost.
//
//	the DDL runs            Changed is called, or the first statement fails
//	a connection is taken   if it is from before, it forgets what it has prepared
//	the statement fails     all the same (it was taken before): once more, by Do or InTx
//
// The invariant: in all of pgx's modes, what runs in Do or InTx does not fail because a
// result has changed. Lists of columns instead of * are the first remedy: they only
// change with a type.
package pgxdbcompat
