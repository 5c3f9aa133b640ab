// Package betting is the mathematics of a guard: a gambler who gets rich if, and hardly
// unless, the new path fails more often than it may.
//
// He begins with a capital of 1 and bets on each request, before it has an end. The odds
// are fair, or against him, while the share of failures is within the bound p:
//
//	a request fails      the stake is multiplied by q/p            for a q > p on which he bets
//	it does not          the stake is multiplied by (1-q)/(1-p)
//
// Then his capital is a non-negative supermartingale, and by Ville's inequality (1939) it
// ever reaches 1/a with a probability of at most a, however often one looks. He bets on
// twelve q at a time. Half of his capital is on the table from the first request on; of
// the other half he puts a little there each second, so that a path that was well for a
// day is caught within a few requests, too:
//
//	second        1    2    3    4     t
//	in reserve   1/2  1/4  1/6  1/8   1/2t
//
// Requests count in the order in which they began; one that has not ended counts as one
// that went well. So the capital is never more than it will have been, and failures that
// are quicker than successes mislead nobody.
//
// Against the control arm he bets, for each failure, on which arm it is in; see control.
// The invariant: what is added is what others have counted, and no number of them makes
// the capital negative, infinite or NaN. The page docs/design/017 has the sources.
package betting
