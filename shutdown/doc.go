// Package shutdown stops one thing at a time without losing anything: a program
// that receives a signal, a server, work of your own.
//
// What a server does from the moment it is told, with the default times:
//
//	t0   SIGTERM          Notify ends the context; readiness turns red elsewhere
//	t1   Shutdown         still accepting, but every response says Connection: close;
//	                      HTTP/2 is told by GOAWAY; what lasts is told by Draining
//	..t2 linger ≤ 5 s     until the evidence says that no balancer sends here any more
//	t2   listener closes  after the accept queue has been emptied
//	..t3 drain            what is in flight finishes; the connection is idle or closed
//	     last call        what would not finish any more is refused: 503, Retry-After
//	t3   deadline         what is left is cut, and named: method, pattern, age, stack
//
// The evidence is first requests on new connections, probes excepted: silence for
// three times the longest gap of the last minutes, at least 0.5 s and at most 5 s,
// and time that was silent already counts. An idle connection stays for as long by
// the same rule, applied to the time between its requests, and as long as any
// other is used. There is no linger if no such request ever came, and none when a
// person pressed Ctrl-C.
//
// Clients are sent away a few at a time, so that they do not come back as a herd.
//
// The invariant: no request that has been read is thrown away before the deadline.
// That is why http.Server.Shutdown is called only when nothing is left that it
// could drop: it discards requests that it has already read (golang/go#75591), and
// closes idle connections at the moment of their reuse (golang/go#23829). A
// request that stays half read for 5 s, or a connection silent from its beginning
// for 0.5 s, is given up.
//
// HTTP and GRPC make such a server. Draining and OnDraining are for what lasts:
// event streams, WebSockets. Tracker is for work that no server sees, Graceful for
// what has a graceful stop of its own, package worker for queues, package systemd
// for its sockets.
//
// The package has no time limit of its own: the deadline is the context's. It
// knows no order (see package lifecycle) and no probes (see package probes).
package shutdown
