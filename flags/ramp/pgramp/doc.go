// Package pgramp keeps ramps in PostgreSQL, beside the flags of pgflags, so that the
// instances of a program take each step together, and one of them at a time leads.
//
//	r := ramp.New(client, pgramp.New(pool, pgramp.Config{}), ramp.Config{}, plan)
//
// Migrate, or what Export writes, makes the tables, after those of pgflags:
//
//	ramps           a ramp: state, share, since; revision of the step; why, and the evidence
//	ramp_audit      what each row was and became, who, why, role, at
//	ramp_instances  a process: its code's version, flags that it declares, its lease
//	ramp_leaders    who takes the steps
//	ramp_samples    what guards have counted, of the last hour
//
// People need nothing but SQL:
//
//	UPDATE handover.ramps SET state = 'paused' WHERE key = 'new-checkout-flow';
//	UPDATE handover.ramps SET state = 'running' WHERE key = 'new-checkout-flow'; -- goes on
//	UPDATE handover.flags SET killed = true WHERE key = 'new-checkout-flow';     -- abort
//	-- after an abort, or when a guard has tripped, from the beginning:
//	UPDATE handover.flags SET killed = false, rollout_percentage = 0 WHERE key = 'new-checkout-flow';
//	UPDATE handover.ramps SET state = 'running' WHERE key = 'new-checkout-flow';
//	SELECT at, who, why, new -> 'share', new -> 'evidence' FROM handover.ramp_audit ORDER BY id;
//
// The invariant: a step is one statement. The server compares the leader's lease, by its
// clock, the ramp, the flag and the members with what the step was decided on, and writes
// flag, ramp and both audits, or nothing. A leader that is stopped in the middle of it
// holds no lock, and one that wakes when another leads is refused. No session is needed,
// so a pooler by transaction may be in between.
package pgramp
