// Package answer makes of verdicts what a probe says: status, code and bodies.
//
// A [Verdict] is what is known of one check, a [Picture] is all of them for one
// endpoint, an [Answer] is the picture judged at a moment and ready to be written.
// None of them ever changes, so that whoever finds an answer expired can judge its
// picture again, without a lock and without the scheduler.
package answer
