// Package lease holds a lease that ends by somebody else's clock, and knows by itself
// when to rely on it no longer.
//
// A lease is a row with the time of its end, by the database's clock. Others may count
// out who let it pass. So whoever has it must stop before, without asking, as the
// database may be what it cannot reach:
//
//	renewal sent     answered                        not held     others may take it
//	   │── on its way ──│                                │             │
//	   0                                            TTL − Margin      TTL ──►
//
// The invariant: while Held is true, the row has at least Margin left. The time is taken
// before the renewal is sent, and by the monotonic clock, so neither a slow answer nor a
// wall clock that is set makes it longer. A process that was stopped (SIGSTOP, a long
// collection) finds Held to be false when it wakes.
//
// What no clock of one's own tells: what was asked before the stop and is done after it;
// and the sleep of a whole machine, in which Linux stops this clock too. That takes a
// fence where the data are.
package lease
