package traffic

// Count says how many connections there are, by what they are doing, and how many
// requests they carry.
type Count struct {
	New, Reading, Active, Idle, Hijacked int
	Requests                             int
}

// Count looks at each connection.
func (t *Table) Count() Count {
	var n Count
	for _, c := range t.list(nil) {
		streams := c.openStreams()
		switch seen := c.load(); {
		case seen.phase() == hijacked:
			n.Hijacked++
		case streams > 0:
			n.Active++
			n.Requests += streams
		case seen.phase() == busy && !c.http2.Load():
			n.Active++
			n.Requests++
		case seen.phase() == reading && !c.handshaken():
			n.Reading++
		case seen.phase() == fresh, seen.phase() == reading:
			n.New++
		case seen.phase() != closed:
			n.Idle++
		}
	}
	return n
}

// occupied reports whether Count finds a request, or what has been one.
func (c *conn) occupied(seen stamp) bool {
	switch p := seen.phase(); {
	case p == hijacked, p == busy && !c.http2.Load():
		return true
	case p == reading && !c.handshaken():
		return true
	}
	return c.openStreams() > 0
}

func (c *conn) openStreams() int {
	if h := c.h2.Load(); h != nil && h.Foreign() {
		return 1 // as far as can be told
	} else if h != nil {
		return h.Streams()
	}
	n := 0
	c.eachStream(func(*Stream) { n++ })
	return n
}
