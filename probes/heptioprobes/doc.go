// Package heptioprobes is github.com/heptiolabs/healthcheck over a set of probes:
// one line of a program changes, and its checks run in the background.
//
//	health := heptioprobes.New(set, heptioprobes.Config{}) // was healthcheck.NewHandler()
//	health.AddReadinessCheck("database", healthcheck.DatabasePingCheck(db, time.Second))
//	go http.ListenAndServe("0.0.0.0:8086", health)
//
// set.Run, set.Ready and set.Drain go into the program's list, as ever. The answers
// are the original's byte for byte, for its own handler writes them; it is given
// verdicts instead of checks.
//
//	                                       /live    /ready   ?full=1
//	a check passes, or only warns          200      200      "OK"
//	a liveness check fails                 503      503      its reason: "error", "timeout", ...
//	anything else of readiness fails       200      503      its reason
//	a check has not been run yet           200      503      "no data yet"
//	a check was refused                    200      503      "refused"
//	before Ready and startup, after Drain  200      503      "(readiness)": "starting", "draining"
//
// All of the set counts and is shown: gates, toggles, and checks that were given to
// the set itself. The reason stands where the original shows the text of the
// error, with its passwords, to everybody; [Config.ErrorText] brings that back.
//
// The invariant: no request and no scrape runs a check or waits for one, and no
// check is lost. One that cannot be added keeps /ready at 503, and [Handler.Err]
// says why.
//
// What the original's Timeout and Async return is refused: the one leaves a goroutine
// behind at each run of a check that hangs, the other says OK for ever when its check
// hangs, and in both a panic ends the process. Pass the check itself. HEAD is 405
// here as there; the set's own Handler knows it.
package heptioprobes
