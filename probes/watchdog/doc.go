// Package watchdog finds the loop that turns no more and the lock that nobody
// releases, for liveness.
//
// A loop beats, and its check fails when the last beat is older than its limit. The
// age is taken on a clock of the watchdog's own, which stands while the process does:
//
//	a minute in which                           counts as
//	all goes well, and one loop hangs           60 s
//	SIGSTOP, a debugger, a suspended VM         40 ms at most, two ticks
//	its CPU quota lets it run 20, 10 or 5 %     20, 10 or 5 s, as measured
//	more goroutines are ready than can run      less: the clock waits its turn too
//
// [Dog.Run] counts the ticks of a time.Ticker, which drops those that nobody takes,
// and a beat notes the count. So a process that is not let run is not taken for
// one that hangs, and no look at the clock races with a correction of it when the
// process goes on (gabrielkoerich/orch#3544).
//
// The invariant: no loop is late before the process has run for its limit since the
// last beat, and none stays green for ever because the clock was never set going.
//
// [Lock] waits in line for a lock and releases it: what deadlocks need not be a
// loop that could beat (argoproj/argo-cd#1047).
//
// In a program, and with systemd's watchdog, which asks the same function:
//
//	dog := watchdog.New(watchdog.Config{})
//	loop := dog.Heartbeat("worker-loop", 30*time.Second)
//	err := health.Add(loop.Check(), watchdog.Lock("orders", &mu, 10*time.Second))
//	sd := systemd.New(systemd.Config{Alive: loop.Check().Run})
//	app.Add(lifecycle.Component{Name: "checks", Run: health.Run}, // the first two places
//		lifecycle.Component{Name: "watchdog", Run: dog.Run}, ...
//
// It cannot tell slow from dead: on a host that is merely busy, a goroutine that
// ticks gets its turn before one that computes (mmeyerlein/meclaw#165). After a stop
// longer than the checks' MaxAge /livez answers "stale" until they have run, which a
// platform's threshold hides. A limit is several times the longest round, time-outs for others included: a shorter one
// restarts this process when a database is slow. It kills nothing and dumps no
// stacks; the set does that when liveness fails.
package watchdog
