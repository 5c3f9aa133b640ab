// Package pgchange walks two instances through all stages where something is between them
// and their database, or wrong with it:
//
//	pgbouncer   by transaction: no session is anybody's own, for the instances, those who
//	            move the change, and the back-fill
//	clocks      the server's wall clock is an hour ahead of the instances', or behind it
//
// It is a module of its own for its driver.
package pgchange
