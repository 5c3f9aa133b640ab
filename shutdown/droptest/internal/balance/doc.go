// Package balance is a balancer: a layer-4 one, which spreads connections, or a
// proxy, which spreads requests.
//
//	+0    an endpoint was told to end (Told), or two looks at it failed
//	+Lag  it is out of rotation; until then it has its turn
//
// What a balancer knows of its endpoints is what it sees, and what it is told;
// processes are none of its business. It says afterwards where it has sent a
// client, and why that client did not get there: [Balancer.Route].
package balance
