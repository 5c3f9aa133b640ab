package traffic

import "sync"

// calls are functions that run and are waited for. It is no sync.WaitGroup, since
// more may begin while somebody waits.
type calls struct {
	mu      sync.Mutex
	running int
	none    chan struct{} // closed when none is running; made by who waits
}

// Go runs f on a goroutine of its own.
func (c *calls) Go(f func()) {
	c.mu.Lock()
	c.running++
	c.mu.Unlock()
	go func() {
		defer c.ended()
		f()
	}()
}

func (c *calls) ended() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	if c.running == 0 && c.none != nil {
		close(c.none)
		c.none = nil
	}
}

// wait returns a channel that is closed as soon as none is running.
func (c *calls) wait() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	none := c.none
	if none == nil {
		none = make(chan struct{})
	}
	if c.running == 0 {
		close(none)
	} else {
		c.none = none
	}
	return none
}
