// Package front is a balancer with weights: a proxy that spreads requests over the
// processes of one or two versions.
//
//	Weigh, Leave ──── lag ────► in force     until then it goes on as before
//
// It sends each request once, as a second try would hide a loss. The one exception has a
// name: what a canary has refused, a GET with 500 or more, is for its Spare to answer, as
// with proxy_next_upstream http_503 of nginx. It is counted, and Seen is told of it.
//
// Who is ready, and who is told to end, it hears from those who deploy.
package front
