// Package ramp widens a rollout in steps, slowly and with the consent of everybody, and
// takes it away at once.
//
//	r := ramp.New(client, pgramp.New(pool, pgramp.Config{}), ramp.Config{},
//		ramp.Plan{Flag: newCheckout, Steps: []float64{5, 20, 50, 100}, Bake: 10 * time.Minute, Guard: g})
//
// A Member is a process's part in it: a component, beside the flags.Client. Each has a
// lease in the Store; one of them leads, and takes a step when
//
//	all members that live have the present step in force, and are not stale
//	all of them declare the flag, as a boolean, and nowhere is it killed
//	one version of the code lives
//	the step has baked, no guard has tripped, and together they have seen enough
//	the leader has led for a TTL, so that all who live have been heard of
//
// Otherwise it waits, and Status says for what and for whom. Down is another way:
//
//	guard trips ──► killed here, at once ──► killed in the store ──► killed everywhere
//	  in any member, in any state               retried until it is done
//
// People pause, resume and abort by pgramp or SQL. Who moves the flag's percentage by
// hand, or kills it, has the ramp paused or stopped, until it is resumed.
//
// The invariant: a Member widens nothing but from one step to the next, and nothing that
// somebody has touched; it never takes a kill back. A step is compared and set in one
// transaction with the lease of the leader, so that one that was killed, or stopped and
// woken, neither repeats nor skips any.
//
// A member that cannot reach the store for a TTL is counted out: it serves what it has,
// with its own guard, and the others go on. Without a Store, and with a file of flags,
// each process follows the same timetable, see Scheduled; guards kill there only.
package ramp
