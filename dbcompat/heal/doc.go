// Package heal keeps a new column right for writers that do not know of it: pods from
// before the change, psql, COPY, another team's job.
//
//	trigger := heal.New(pool, columns, source, heal.Config{})
//	err := trigger.Install(ctx) // at Old, before the back-fill; Remove before New
//
// It is an option, and most changes need none: once everybody is at DualWrite, nobody
// is unaware. It is a pair of BEFORE triggers that act by what a write has changed. Who
// writes, and with which search_path, is not asked (xataio/pgroll asks, and takes a path
// with a second schema for the other version):
//
//	INSERT  new is not up(old), and old is not down(new)     new := up(old), counted
//	UPDATE  the same, and old has changed and new has not    new := up(old), counted
//	else    it is a dual-writer's row, or nobody has         nothing: WHEN has said so,
//	        touched the columns                              and no function was called
//
// The invariant: what a dual-writer wrote is never touched. old = down(new) is how its
// rows are known, also when it sets new to the value that it had. So that nothing else
// can be meant, Install refuses columns whose new is not exactly up(old): Up or Down not
// immutable, a value v in the table that is not up(down(v)), a NULL that does not
// come back as NULL.
//
// Healed writes are counted in a sequence, which does not wait for other transactions; a
// counter row does, until they commit. Status tells how many, when the last one was, and
// if the trigger is still needed. Silence is evidence and no proof: a job that runs once
// a month is silent for a month.
//
// A value that Up cannot convert fails the write, as it would in the back-fill. Triggers
// fire by name, and a BEFORE trigger with a name behind zzz_ may change old unseen. What
// logical replication applies fires none; the publisher's trigger has done it. The
// trigger of a partitioned table is that of its partitions. With the trigger, Old and
// ReadNew may run side by side; New may run with neither, and not with the trigger.
package heal
