// Package pgflagtable asks whether a user gets the new checkout: with a table that is
// read for each answer (before.go), and with flags over pgflags (after.go).
package pgflagtable
