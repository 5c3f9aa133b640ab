// Package counts counts what requests say, from many goroutines at once, by the second
// in which they began.
//
//	Begin   adds 1 to a cell of one of 32 shards, and gives the tick
//	Fail    adds 1 to the cell of that tick: what failed finds the second it began in
//	End     adds 1 to a bucket of one of the shards
//	Take    reads all of it, once a second or so, and begins the next tick
//
// The invariant: a failure is never taken before the beginning it belongs to.
package counts
