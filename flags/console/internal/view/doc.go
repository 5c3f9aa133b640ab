// Package view shows what a client knows to a person: as JSON and as pages. It has the
// texts of errors, which no user may read.
package view
