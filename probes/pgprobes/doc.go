// Package pgprobes checks a PostgreSQL server, on a connection of its own.
//
//	err := health.Add(pgprobes.Pool("postgres", pool, pgprobes.Config{}))
//
// pool.Ping as a check waits in line behind the application's own work. Under load it
// fails although the database is well, the instance leaves, and its load is the others'
// (PostHog/posthog#46457, neochaotic/leoflow#1042). A check of this package asks the
// server directly, and the pool only for its counters, which costs it nothing:
//
//	what is the matter                                            reason
//	no connection can be made, or it breaks                       down
//	no answer within the check's Timeout                          timeout
//	it starts, stops or recovers                                  not-accepting
//	the role, the password or the database is refused             denied
//	no connection is left on the server                           too-many-connections
//	it takes no writes, and writes are needed                     read-only
//	a standby is more than MaxLag behind                          lagging
//	the pool is full, and others wait                             saturated
//
// The first one that holds is the verdict; others are an "error". Saturated is degrading:
// it warns, and never makes the check fail. So is too-many-connections, as long as
// the pool has connections to work with.
//
// The invariant: one connection at the most, whatever the server does or does not, and
// no goroutine. It is kept between runs for Lifetime, a minute. After that it is
// closed, by a timer if no run comes any more, so there is nothing to close. If one that
// was kept turns out to be broken, the run makes a new one before it judges.
//
// It does not look into the pool's connections, run the application's queries, or know
// logical replication. Each instance has one connection more: count it in max_connections.
package pgprobes
