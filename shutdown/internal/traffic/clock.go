package traffic

import (
	"context"
	"sync/atomic"
	"time"
)

// resolution of the coarse clock: a tenth of the shortest silence that anybody
// waits for.
const resolution = 50 * time.Millisecond

// clock is time since the table was made. Requests read the coarse hand, which a
// goroutine moves: two readings of the real clock would cost a request more than
// all other tracking together.
type clock struct {
	start time.Time
	hand  atomic.Int64
}

// exact never is 0, which stands for "never".
func (c *clock) exact() time.Duration { return time.Since(c.start) + 1 }

// coarse is exact while nobody moves the hand: before Serve, and after it failed.
func (c *clock) coarse() time.Duration {
	if at := c.hand.Load(); at != 0 {
		return time.Duration(at)
	}
	return c.exact()
}

// run moves the hand until ctx ends, and calls turn after each period.
func (c *clock) run(ctx context.Context, period time.Duration, turn func()) {
	tick := time.NewTicker(resolution)
	defer tick.Stop()
	defer c.hand.Store(0)
	turned := c.exact()
	for {
		now := c.exact()
		c.hand.Store(int64(now))
		if now-turned >= period {
			turned = now
			turn()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
