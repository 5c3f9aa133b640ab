// Package app is the service that is tortured: what it answers is the same in
// every variant, and only how it stops differs. It knows no library for that.
//
// A variant is a program that parses [Flags], serves [Service.Handler] on Addr
// and [Service.RPC] on GRPC (unless that is empty), answers GET /readyz on Admin,
// and stops at SIGTERM as its library's documentation says:
//
//	GET  /?id=7        the id
//	POST /             the body
//	GET  /slow?id=7    the id, after two seconds
//	POST /upload       size and CRC-32 of the body, read to its end
//	GET  /events       server-sent events "0", "1", …; "bye" is the last one
//	GET  /ws           WebSocket: each message comes back; 1001 is the end
//	Echo, Count, Talk  the same as gRPC: unary, server stream, both directions
//
// What was read is answered. A message that crosses the end of a WebSocket or of
// a Talk is not touched, and its sender can tell: it has no answer.
package app
