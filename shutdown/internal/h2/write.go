package h2

// Write sends what net/http writes, and between two of its frames those of ours
// that are due.
func (c *Conn) Write(p []byte) (n int, err error) {
	c.writing.Lock()
	drained := false
	for n < len(p) && err == nil {
		var m int
		m, err = c.write(p[n:])
		drained = c.sent(p[n:n+m]) || drained
		n += m
	}
	c.writing.Unlock()
	c.injectDue()
	if drained {
		c.notify()
	}
	return n, err
}

// write sends some of p: up to where frames of ours may go in, if there are any.
func (c *Conn) write(p []byte) (int, error) {
	if c.due.Load() {
		c.injectHere()
		if c.due.Load() {
			p = p[:c.out.upTo(p)]
		}
	}
	switch {
	case c.failed != nil:
		return 0, c.failed
	case c.gone: // nobody waits for it
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// sent follows what was written, and reports whether it has ended the last
// stream.
func (c *Conn) sent(p []byte) (drained bool) {
	if c.foreign.Load() {
		return false
	}
	for len(p) > 0 {
		p = c.out.feed(p)
		switch {
		case !c.out.whole():
		case c.out.endsStream():
			drained = c.ended(c.out.stream()) || drained
		case c.out.kind() == typeGoAway:
			drained = c.disown(c.out.disowns()) || drained
		}
	}
	return drained
}

// inject writes the frames that are due, as soon as they may be. The caller holds
// mu and cannot wait for a client that does not read: who can is a goroutine, or
// the Write that is under way.
func (c *Conn) inject() {
	c.due.Store(true)
	c.injector.Go(c.injectDue)
}

// injectDue leaves it to who is writing, and to the end of the frame that is
// being written.
func (c *Conn) injectDue() {
	for c.due.Load() && c.writing.TryLock() {
		injected := c.injectHere()
		c.writing.Unlock()
		if !injected {
			return
		}
	}
}

// injectHere reports false if this is no place for a frame. The caller holds
// writing.
func (c *Conn) injectHere() bool {
	if c.failed != nil || c.gone || !c.out.between() {
		return false
	}
	c.due.Store(false) // before we look what it was
	c.mu.Lock()
	asks, ends := c.announced && !c.asked, c.finished.Load()
	frames := c.goodbye(asks, ends)
	c.mu.Unlock()
	c.asked, c.gone = c.asked || asks, ends
	if len(frames) > 0 {
		_, c.failed = c.Conn.Write(frames)
	}
	if asks {
		c.wasAsked()
	}
	if ends {
		c.halfClose()
	}
	return c.failed == nil
}

// halfClose says that nothing follows, where that can be said.
func (c *Conn) halfClose() {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // the client that is there has been told
	}
}

func (c *Conn) goodbye(asks, ends bool) (frames []byte) {
	if asks {
		if c.disowned == lastStream { // the number may not grow again
			frames = appendGoAway(frames, lastStream)
		}
		frames = appendPing(frames)
	}
	if ends {
		frames = appendGoAway(frames, min(c.last, c.disowned))
	}
	return frames
}

// wasAsked gives the client its time from now on.
func (c *Conn) wasAsked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.answered && !c.told && !c.closed {
		c.timer.Reset(patience)
	}
}
