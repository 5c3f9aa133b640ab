// Package audience knows who asks: which agents, how often, and what they have
// been told.
//
// A prober is an address and a User-Agent. Its record is found without a lock and
// without an allocation, and there are at most 64 of them, whatever is sent. What
// the shutdown waits for follows from the records: a balancer whose verdict moves
// traffic, that has asked lately, and that has not been told "not ready" as often
// as it needs to be.
package audience
