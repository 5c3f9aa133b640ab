// Package ledger has what tests are made of in which processes write rows while a column
// is being replaced, and somebody keeps the ledger: packages chaos and change/internal/fleet.
//
//	Process   the test binary once more; it can be killed, and stopped
//	Lane      one transaction after the other, as programs do them, in such a process
//	Kind      how the column is replaced, and how its values carry a number
//	Ledger    what the processes have told, in the parent
//
// A value is a number, and each write of a row is the next one. A lane tells its parent
// what it is about to commit and what has been acknowledged, through a pipe that outlives
// it. Its writes also set a witness, a column that is not being replaced. So
//
//	a read that is stale    differs from the witness of the same row, or goes back
//	a write that is lost    is a number that two were given, or that is not there at the end
//
// What was sent and not acknowledged may be there, or not. A transaction that has failed
// has shown nobody anything.
package ledger
