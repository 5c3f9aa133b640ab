// Package traffic knows the connections of a server: what each is doing and
// since when, how long the pauses are in normal service, and, while the server
// drains, which of them still matter.
//
//	accepted → fresh → reading → busy → idle → reading → …
//	                              └→ hijacked        (until it is closed)
//	           idle for too long → closing → closed  (unless bytes arrive)
//
// net/http says when a request has been read and when its answer has been
// flushed; that bytes have come only the connection's own Read can say. A
// request changes one word of its connection three times and notes its name there,
// and changes nothing that connections share.
//
// It decides nothing: how patient to be and when to stop is up to the caller.
package traffic
