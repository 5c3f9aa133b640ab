package traffic

import (
	"math"
	"time"
)

const (
	// A connection that has never spoken may be about to: its first bytes are a
	// round trip behind the handshake. net/http waits five seconds and more
	// (golang/go#22682).
	freshGrace = 500 * time.Millisecond
	// A request that is half read is waited for as long as bytes keep coming.
	readingGrace = 5 * time.Second
)

// Swept is what Sweep has found.
type Swept struct {
	Warm    int           // connections without a request that may bring one
	GivenUp int           // those that were closed
	Next    time.Duration // when the next one can be given up; the end of time if none
}

// Sweep closes the connections that have been idle for longer than patience.
func (t *Table) Sweep(now, patience time.Duration) Swept {
	s := Swept{Next: math.MaxInt64}
	for _, c := range t.list() {
		seen := c.load()
		grace, ok := c.grace(seen.phase())
		if !ok {
			continue
		}
		until := seen.since() + max(patience, grace)
		if now >= until && c.giveUp(seen) {
			s.GivenUp++
			continue
		}
		s.Next = min(s.Next, max(until, now)) // now: it has just begun to do something else
		s.Warm++
	}
	return s
}

// grace is how long the connection is waited for at the least; false if it has
// to be waited for until it has done what it is doing.
func (c *conn) grace(p phase) (time.Duration, bool) {
	switch p {
	case idle:
		if c.http2.Load() {
			return freshGrace, true // net/http says idle before it has flushed the last frame
		}
		return 0, true
	case fresh:
		return freshGrace, true
	case reading:
		if c.handshaken() {
			return freshGrace, true
		}
		return readingGrace, true
	}
	return 0, false
}

// handshaken reports whether the bytes that came may have been TLS's own: a
// connection that a browser has opened in advance is no half-read request.
func (c *conn) handshaken() bool { return c.secure.Load() != nil && c.goroutine.Load() == 0 }
