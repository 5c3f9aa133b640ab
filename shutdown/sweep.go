package shutdown

import (
	"context"
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
	// comeBack is within what time a client that was told to go away, and still
	// has us in its rotation, comes back on a new connection: a round trip.
	comeBack = 100 * time.Millisecond
	// pace is the shortest time between two looks at the table, however many
	// connections end.
	pace = 5 * time.Millisecond
)

// sweep gives up what has been silent for long enough. It returns how many
// connections are idle and may be used again, and when to look again.
func (d *drain) sweep(now time.Duration) (warm int, next time.Duration) {
	next = math.MaxInt64
	for _, c := range d.conns.list() {
		seen := c.load()
		var patience time.Duration
		switch seen.phase() {
		case idle:
			patience = d.patience
		case fresh:
			patience = max(d.patience, freshGrace)
		case reading:
			patience = max(d.patience, readingGrace)
		default:
			continue
		}
		if until := seen.since() + patience; now < until {
			next = min(next, until)
		} else if c.giveUp(seen) {
			d.report.GivenUp++
			continue
		}
		warm++
	}
	return warm, next
}

// wait returns after at most limit, or when a connection has ended; false when
// ctx has.
func (d *drain) wait(ctx context.Context, limit time.Duration) bool {
	rest := time.NewTimer(pace)
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
		return false
	}
	if limit <= pace {
		return true
	}
	timer := time.NewTimer(limit - pace)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.wakes:
	case <-ctx.Done():
		return false
	}
	return true
}
