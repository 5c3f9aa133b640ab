package traffic

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/handover-go/handover/internal/stack"
)

// A phase is what a connection is doing.
type phase uint8

const (
	fresh    phase = iota // accepted, not a byte yet
	reading               // bytes have come, the request is not complete
	busy                  // a request is being answered
	idle                  // answered and flushed, waiting for the next
	hijacked              // taken over by the application
	closing               // about to be closed by us, unless bytes arrive
	closed
)

// A stamp is a phase and since when, in one word, so that both change at once:
// nanoseconds on the table's clock, but for the last three bits.
type stamp uint64

func newStamp(p phase, at time.Duration) stamp { return stamp(at)&^7 | stamp(p) }

func (s stamp) phase() phase         { return phase(s & 7) }
func (s stamp) since() time.Duration { return time.Duration(s &^ 7) }

// conn is a connection that knows what it is doing. net/http tells it when a
// request has been read and answered (http.Server.ConnState); that bytes of the
// next request have arrived only Read can tell, and closing an idle connection
// without losing a request depends on just that.
type conn struct {
	net.Conn
	table     *Table
	stamp     atomic.Uint64
	asked     asked        // the last request
	waited    atomic.Int64 // between the last answer and the bytes that came after it
	spoken    atomic.Bool  // its first request that is no probe has been seen
	again     atomic.Bool  // and its second
	http2     atomic.Bool
	secure    atomic.Pointer[net.Conn] // the same connection with TLS around it
	goroutine atomic.Uint64            // stack.ID of the one that answers; 0: nothing was asked yet
}

func (c *conn) load() stamp { return stamp(c.stamp.Load()) }

// swap moves from old to p, unless something else has happened meanwhile.
func (c *conn) swap(old stamp, p phase) bool {
	return c.stamp.CompareAndSwap(uint64(old), uint64(newStamp(p, c.table.clock.coarse())))
}

// enter moves to p from whatever the connection is doing, and returns what it
// was doing and since when. A closed connection stays closed.
func (c *conn) enter(p phase) (before stamp) {
	for {
		before = c.load()
		if before.phase() == closed || c.swap(before, p) {
			return before
		}
	}
}

// Read notes that bytes have come. Bytes that come to a connection which has
// just been given up are lost like those that were still on the wire.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.heard() {
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *conn) heard() bool {
	for {
		before := c.load()
		switch before.phase() {
		case closed:
			return false
		case busy, hijacked: // the body, or not ours any more
			return true
		case idle:
			if c.http2.Load() { // a ping or a window, not a request
				return true
			}
		}
		if !c.swap(before, reading) {
			continue
		}
		if before.phase() == idle {
			c.waited.Store(int64(c.table.clock.coarse() - before.since()))
		}
		return true
	}
}

// begin is told of each request by the handler.
func (c *conn) begin(r *http.Request) {
	c.asked.note(r)
	if c.spoken.Load() {
		if !c.again.Load() {
			c.again.Store(true)
		}
		c.table.furtherRequest(r, time.Duration(c.waited.Load()))
		return
	}
	if c.goroutine.Load() == 0 { // net/http answers HTTP/1 on the connection's own goroutine
		c.goroutine.Store(uint64(stack.Current()))
		c.http2.Store(r.ProtoMajor >= 2)
	}
	if !c.table.isProbe(r) && !c.spoken.Swap(true) {
		c.table.firstRequest()
	}
}

// changed is told by net/http, which may know the connection with TLS around it.
func (c *conn) changed(outer net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if outer != net.Conn(c) {
			secure := outer // whose address is taken; of the parameter's, each call would pay
			c.secure.Store(&secure)
		}
	case http.StateActive:
		c.enter(busy)
	case http.StateIdle:
		c.answered(c.enter(idle))
	case http.StateHijacked:
		c.enter(hijacked)
	case http.StateClosed: // known from Close
	}
}

func (c *conn) answered(before stamp) {
	if before.phase() == busy {
		c.table.takes.observe(c.table.clock.coarse() - before.since())
	}
	c.table.hasEnded()
}

// giveUp closes a connection that is still as it was seen, unless bytes have
// arrived that nobody has read yet. What is on the wire cannot be seen; that is
// why only those are given up that have been silent for long.
func (c *conn) giveUp(seen stamp) bool {
	gone := newStamp(closing, seen.since())
	if !c.stamp.CompareAndSwap(uint64(seen), uint64(gone)) {
		return false
	}
	if unread(c.Conn) {
		c.stamp.CompareAndSwap(uint64(gone), uint64(seen))
		return false
	}
	if !c.swap(gone, closed) {
		return false
	}
	if secure := c.secure.Load(); secure != nil {
		// TLS says goodbye, and may wait up to 5 s for a client that does not
		// read. Until then the table waits for the connection.
		go func() { _ = (*secure).Close() }()
		return true
	}
	_ = c.Close() // nobody is left to be told of its error
	return true
}

// Close is called by net/http, by the application that hijacked, or by giveUp.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.table.remove(c)
	c.answered(c.enter(closed))
	return err
}

// ReadFrom keeps sendfile(2) for responses that are files.
func (c *conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// CloseWrite lets net/http say goodbye to a client that is still sending.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// NetConn is for those who need the connection's own type, as in tls.Conn.
func (c *conn) NetConn() net.Conn { return c.Conn }

// SyscallConn is for those who need the socket, such as its peer's credentials.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// connOf finds ours, below TLS if need be.
func connOf(c net.Conn) *conn {
	if ours, ok := c.(*conn); ok {
		return ours
	}
	if wrapped, ok := c.(interface{ NetConn() net.Conn }); ok {
		ours, _ := wrapped.NetConn().(*conn)
		return ours
	}
	return nil
}
