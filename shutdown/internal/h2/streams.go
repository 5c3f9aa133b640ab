package h2

// Read gives net/http what the client sends, until Finish.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		keep, drained := c.received(p[:n])
		if drained {
			c.notify()
		}
		switch {
		case keep || n == 0:
			return n, err
		case err != nil:
			return 0, err
		}
	}
}

// received follows what was read, and reports whether it is for net/http and
// whether it has ended the last stream.
func (c *Conn) received(p []byte) (keep, drained bool) {
	p = c.greet(p)
	for len(p) > 0 {
		p = c.in.feed(p)
		// Whose header is here has come: the rest is waited for.
		if c.in.headed() && c.in.kind() == typeHeaders && !c.opened(c.in.stream()) {
			return false, drained
		}
		switch {
		case !c.in.whole():
		case c.in.kind() == typeResetStream:
			drained = c.ended(c.in.stream()) || drained
		case c.in.isAnswer():
			c.heard()
		}
	}
	return !c.finished.Load(), drained
}

// opened is told of HEADERS, and reports whether net/http may have them. It sees
// none after Finish: the client is told that they were not read, and sends them to
// somebody else.
func (c *Conn) opened(stream uint32) bool {
	c.mu.Lock()
	if c.finished.Load() {
		c.mu.Unlock()
		return false
	}
	begun := stream > c.last // or they are trailers
	if begun {
		c.last = stream
		if stream <= c.disowned {
			c.streams[stream] = struct{}{}
		}
	}
	c.mu.Unlock()
	if begun && c.begun != nil {
		c.begun()
	}
	return true
}

// ended reports whether this was the last open stream.
func (c *Conn) ended(stream uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, open := c.streams[stream]; !open {
		return false // reset after its end
	}
	delete(c.streams, stream)
	if c.over != nil {
		c.over()
	}
	return c.drained()
}

// disown is told of net/http's own GOAWAY, and reports whether no stream is left.
func (c *Conn) disown(above uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disowned = min(c.disowned, above)
	before := len(c.streams)
	for stream := range c.streams {
		if stream > above {
			delete(c.streams, stream)
		}
	}
	return before > 0 && c.drained()
}

// drained reports whether no stream is open. Who owed an answer when the last one
// ended gets time for it from then on: it may have had much to read before.
func (c *Conn) drained() bool {
	if len(c.streams) > 0 {
		return false
	}
	if c.announced && !c.answered && !c.closed {
		c.timer.Reset(patience)
	}
	return true
}

// heard is told of the answer to our PING.
func (c *Conn) heard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.announced && !c.answered && !c.closed {
		c.answered = true
		c.timer.Reset(afterword)
	}
}

// waited is called when the time for the answer, or for what comes after it, has
// passed. As long as a stream is open, there is time for the answer.
func (c *Conn) waited() {
	c.mu.Lock()
	if c.closed || c.told || !c.answered && len(c.streams) > 0 {
		c.mu.Unlock()
		return
	}
	c.told = true
	c.mu.Unlock()
	c.notify()
}

func (c *Conn) notify() {
	if c.changed != nil {
		c.changed()
	}
}
