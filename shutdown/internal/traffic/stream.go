package traffic

import (
	"net"
	"net/http"
	"reflect"
	"time"

	"github.com/handover-go/handover/internal/stack"
	"github.com/handover-go/handover/shutdown/internal/h2"
	"github.com/handover-go/handover/shutdown/internal/told"
)

// A Stream is a request of HTTP/2, of which a connection may carry many.
type Stream struct {
	conn      *conn
	asked     asked
	began     time.Duration
	goroutine stack.ID
}

// Follow makes the table know an HTTP/2 connection by its frames.
func (t *Table) Follow(h *h2.Conn) {
	if c := connOf(h); c != nil {
		h.OnChange(t.hasEnded)
		c.h2.Store(h)
		c.enter(framed)
	}
}

// Signal is that of the connection with a remote address, as the connection itself
// has returned it; nil if there is none.
func (t *Table) Signal(remote net.Addr) *told.Signal {
	if remote == nil || !reflect.TypeOf(remote).Comparable() {
		return nil
	}
	for _, c := range t.list(nil) { // an address may have to be read first: not with the lock
		if c.RemoteAddr() == remote { // the same value, not an equal one: that is fast
			return &c.told
		}
	}
	return nil
}

// streamBegun is the evidence of a stream whose handler is not ours to see.
func (c *conn) streamBegun() {
	waited := c.sinceStream()
	if c.spoken.Swap(true) {
		c.table.furtherStream(waited)
		return
	}
	c.table.firstRequest()
}

// sinceStream is how long the connection has waited for this stream.
func (c *conn) sinceStream() time.Duration {
	now := c.table.clock.coarse()
	return now - time.Duration(c.streamAt.Swap(int64(now)))
}

// BeginStream is for the handler, on the goroutine that answers r. A nil Stream
// can be ended.
func (t *Table) BeginStream(r *http.Request) *Stream {
	c, ok := r.Context().Value(t).(*conn)
	if !ok || c == nil {
		return nil
	}
	s := &Stream{conn: c, began: t.clock.coarse(), goroutine: stack.Current()}
	s.asked.note(r)
	c.mu.Lock()
	if c.streams == nil {
		c.streams = make(map[*Stream]struct{})
	}
	c.streams[s] = struct{}{}
	c.mu.Unlock()
	c.http2.Store(true)
	c.arrived(r)
	return s
}

// End may be called on nil.
func (s *Stream) End() {
	if s == nil {
		return
	}
	s.conn.mu.Lock()
	delete(s.conn.streams, s)
	s.conn.mu.Unlock()
	s.conn.table.takes.observe(s.conn.table.clock.coarse() - s.began)
	s.conn.table.answered()
}

// Followed reports whether the connection is told to go away by frames; then a
// response must not do it, which would make net/http drop the streams that are
// still on the wire.
func (s *Stream) Followed() bool { return s != nil && s.conn.h2.Load() != nil }
