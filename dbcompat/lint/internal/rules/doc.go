// Package rules knows what is unsafe in a schema change, and what to do instead.
//
//	blocks.go columns.go index.go constraint.go   locks or rewrites a table
//	breaks.go                                     breaks code that runs
//	transaction.go                                keeps locks for too long
//	hygiene.go types.go style.go                  is regretted later
//
// A rule is a function over one statement that can look at the ones before it. A
// table that the same file has created has no rows and no readers: it is exempt.
// The invariant: a rule says what it has seen in this file and guesses nothing of
// the database.
package rules
