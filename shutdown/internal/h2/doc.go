// Package h2 lets an HTTP/2 connection of net/http go away in two steps, so that
// no stream is lost (RFC 9113, 6.8). net/http itself sends one GOAWAY, which names
// the last stream it has seen; what a client opens in that round trip is dropped.
//
//	Announce  → GOAWAY 2³¹-1, PING   the client opens no more streams here
//	          ← streams, PING ack    those it opened before it knew, then its answer
//	Told                             the answer has come, 0.1 s ago
//	          → the last END_STREAM  every stream that was read is answered
//	Finish    → GOAWAY n, end        the client closes; n is the last stream read
//
// Conn stands between net/http's HTTP/2 and the plaintext of the connection. It
// follows the frames of both directions by their headers, counts the streams that
// are open on the wire, and puts its own frames between net/http's: never into the
// middle of one, never before the server's SETTINGS, never into a header block.
//
// The invariant: between Announce and Finish net/http reads every stream that the
// client opens, and after Finish no stream is read that the last GOAWAY disowns.
//
// Hook uses the seam by which net/http meets golang.org/x/net/http2: the function
// that http.Server.TLSNextProto has for "unencrypted_http2" serves any net.Conn
// whose preface has been read. If a version of Go has no such function, Hook
// changes nothing, and connections end with net/http's one GOAWAY.
//
// It cannot help a request that Go's own client fails before it opens a stream
// (golang/go#62450). Streams that a server pushes are not counted.
package h2
