// Package guard decides whether a new path hurts, from what its requests tell, and is
// right at sixty of them.
//
//	g, err := guard.New(newCheckout, guard.Config{MaxErrors: 0.01, Slow: 300 * time.Millisecond})
//	order, err := guard.Do(ctx, g, placeNew, placeOld)
//
//	request ──► flag ──► new arm ──► error? slow? panic? ──► counts ──┐
//	              └────► old arm ──► the same                         │ once a second
//	                                                                  ▼
//	            holding | passing | tripped for good ◄── evidence against each bound
//
// Do runs one of two functions, Middleware one of two handlers, and Record counts any
// other yes or no. Verdict reads all that, away from requests. It takes nothing back by
// itself: whoever asks, a ramp or a loop of five lines, kills the flag.
//
// Evidence is the capital of a gambler who bets that a bound is broken: package betting
// and docs/design/017 say how. It may be looked at as often as one likes. The invariant:
// while no bound is broken, the probability that a Guard ever trips is at most
// Config.FalseAlarm, over its whole life and all its metrics. And it does not need much
// to trip: of a new path that fails always, three requests; of one that fails ten times
// as often as it may, about sixty.
//
// Little traffic is not failure: a Guard holds until Config.Least requests of a step have
// ended. One user who tries again and again is one failure a second. With Config.Control
// what the old arm suffers as well, as from a database that is away, trips nothing.
//
// Bounds takes others from the flag's definition, by a member x-guard: see Parse.
//
// Each Guard counts what is in its own process. For a fleet, each instance publishes
// what Take gives, and one Judge adds it up.
//
// A Guard starts no goroutine. It does not know why something fails, and does not see
// what its metrics do not say.
package guard
