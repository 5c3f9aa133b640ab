// Package front is what the load meets. Who is behind it, with which weights, is decided
// here; the traffic is carried by a Carrier: the Proxy of this package, or nginx or HAProxy
// of package installed.
//
//	Weigh, Leave ──── lag ────► Carrier.Apply     until then it goes on as before
//	Add ──────────────────────► Carrier.Apply
//
// A carrier sends each request once, as a second try would hide a loss. The one exception
// has a name: what a canary has not answered, a GET with an error or with 500 and more, is
// for its Spare to answer. It is counted, and Watch.Seen is told of each answer.
//
// Who is ready, and who is told to end, it hears from those who deploy.
package front
