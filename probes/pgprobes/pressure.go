package pgprobes

import (
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// pressure finds out whether a pool is saturated. One look cannot tell a pool that is
// stuck from one that is busy (mozilla-ai/otari#1247), so it is a series of looks.
// Who waits at the moment cannot be seen; who has waited, and who has given up, can.
type pressure struct {
	patience time.Duration

	mu    sync.Mutex
	since time.Time // when the series began; zero: there is none
	last  counters
}

// counters only ever grow.
type counters struct {
	acquired, waited, gaveUp int64
}

// look returns what is wrong if the series has lasted for long enough.
func (p *pressure) look(stat *pgxpool.Stat, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := counters{stat.AcquireCount(), stat.EmptyAcquireCount(), stat.CanceledAcquireCount()}
	was := p.last
	p.last = is
	switch {
	case stat.AcquiredConns() < stat.MaxConns():
		p.since = time.Time{}
		return nil
	case p.since.IsZero(), !is.pressed(was):
		p.since = now
	}
	if now.Sub(p.since) < p.patience {
		return nil
	}
	return fmt.Errorf("all %d connections of the pool are in use, for %v; since the last look %d acquires "+
		"went well, %d of them after a wait, and %d gave up", stat.MaxConns(), now.Sub(p.since).Round(time.Millisecond),
		is.acquired-was.acquired, is.waited-was.waited, is.gaveUp-was.gaveUp)
}

// pressed reports whether the time between two looks at a full pool was a bad one:
// somebody had to wait, or nobody got a connection. Otherwise the pool is full by chance.
func (c counters) pressed(before counters) bool {
	return c.waited > before.waited || c.gaveUp > before.gaveUp || c.acquired == before.acquired
}
