package traffic

import (
	"net"
	"net/http"
	"reflect"
	"runtime"
	"time"

	"github.com/handover-go/handover/shutdown/internal/h2"
	"github.com/handover-go/handover/shutdown/internal/told"
)

// A Stream is a request of HTTP/2, of which a connection may carry many. It is part
// of its ResponseWriter, so that a request costs one allocation.
type Stream struct {
	conn  *conn // nil: of no connection that we know
	began time.Duration
	// What it asked for. The strings of a request do not change, though handlers
	// exchange them.
	method, host, path string

	// It has a signal of its own: beside one that listens there may be one that does
	// not, and is cut as any request.
	ctx told.Context

	previous, next *Stream // of the same connection, whose lock guards them
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

// BeginStream is for the handler. It makes s the stream of r, and gives r a context
// in which the stream's signal is found. It changes r and makes no copy, which would
// be a second allocation, and whose multipart form nobody would remove.
func (t *Table) BeginStream(s *Stream, r *http.Request) {
	c, ok := r.Context().Value(t).(*conn)
	if !ok || c == nil {
		return
	}
	s.conn, s.began = c, t.clock.coarse()
	s.method, s.host, s.path = r.Method, r.Host, r.URL.Path
	s.ctx.Context = r.Context()
	*r = *r.WithContext(&s.ctx)
	c.enlist(s)
	if !c.http2.Load() {
		c.http2.Store(true)
	}
	c.arrived(r)
}

// Serve lets h answer r. The goroutine of a stream is found by this call's first
// argument: to ask each for its number would cost a request a thousand times more
// than the call.
//
//go:noinline
func (s *Stream) Serve(h http.Handler, w http.ResponseWriter, r *http.Request) {
	h.ServeHTTP(w, r)
	runtime.KeepAlive(s)
}

// serve is how stacks name it.
const serve = "traffic.(*Stream).Serve"

// End is for the handler, which may panic.
func (s *Stream) End() {
	if s.conn == nil {
		return
	}
	s.conn.strike(s)
	s.conn.table.takes.observe(s.conn.table.clock.coarse() - s.began)
	s.conn.table.answered()
}

// enlist and strike keep the streams that are being answered. It is a list since a
// map takes fifteen times as long, which is half of what a stream costs.
func (c *conn) enlist(s *Stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.next = c.streams; s.next != nil {
		s.next.previous = s
	}
	c.streams = s
}

func (c *conn) strike(s *Stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.next != nil {
		s.next.previous = s.previous
	}
	if s.previous != nil {
		s.previous.next = s.next
	} else {
		c.streams = s.next
	}
	s.previous, s.next = nil, nil // who keeps it keeps no others
}

func (c *conn) eachStream(f func(*Stream)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := c.streams; s != nil; s = s.next {
		f(s)
	}
}

// Followed reports whether the connection is told to go away by frames; then a
// response must not do it, which would make net/http drop the streams that are
// still on the wire.
func (s *Stream) Followed() bool { return s.conn != nil && s.conn.h2.Load() != nil }
