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
		grace := patience
		switch seen.phase() {
		case idle:
		case fresh:
			grace = max(patience, freshGrace)
		case reading:
			grace = max(patience, readingGrace)
		default:
			continue
		}
		if until := seen.since() + grace; now < until {
			s.Next = min(s.Next, until)
		} else if c.giveUp(seen) {
			s.GivenUp++
			continue
		}
		s.Warm++
	}
	return s
}
