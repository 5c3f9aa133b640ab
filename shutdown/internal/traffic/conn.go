package traffic

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/internal/stack"
	"github.com/handover-go/handover/shutdown/internal/h2"
	"github.com/handover-go/handover/shutdown/internal/told"
)

const (
	// A connection that has never spoken may be about to: its first bytes are a
	// round trip behind the handshake. net/http waits five seconds and more
	// (golang/go#22682).
	freshGrace = 500 * time.Millisecond
	// A request that is half read is waited for as long as bytes keep coming.
	readingGrace = 5 * time.Second
)

// A phase is what a connection is doing.
type phase uint8

const (
	fresh    phase = iota // accepted, not a byte yet
	reading               // bytes have come, the request is not complete
	busy                  // a request is being answered
	idle                  // answered and flushed, waiting for the next
	hijacked              // taken over by the application
	closing               // about to be closed by us, unless bytes arrive; HTTP/2: it was sent away
	closed
	framed // HTTP/2, which knows by its frames
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
	streamAt  atomic.Int64 // when the last stream began, in HTTP/2
	spoken    atomic.Bool  // its first request that is no probe has been seen
	again     atomic.Bool  // and its second
	http2     atomic.Bool
	secure    atomic.Pointer[net.Conn] // the same connection with TLS around it
	records   records                  // of TLS, until it asks; of whoever reads
	asking    atomic.Bool              // through TLS, whose handshake is over
	goroutine atomic.Uint64            // stack.ID of the one that answers; 0: nothing was asked yet
	h2        atomic.Pointer[h2.Conn]  // set before framed
	told      told.Signal

	mu      sync.Mutex
	streams *Stream // of HTTP/2: the first of those that are being answered
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
	if c.handshaken() && c.records.asks(p[:n]) {
		c.asking.Store(true)
	}
	if n > 0 && !c.heard() {
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *conn) heard() bool {
	for {
		before := c.load()
		switch {
		case before.phase() == closed:
			return false
		case c.expects(before.phase()):
			return true
		case !c.swap(before, reading):
			continue
		case before.phase() == idle:
			c.waited.Store(int64(c.table.clock.coarse() - before.since()))
		}
		return true
	}
}

// expects reports whether bytes are nothing new: a body, what is not ours any
// more, a frame that is no request.
func (c *conn) expects(p phase) bool {
	switch p {
	case busy, hijacked, framed:
		return true
	case idle:
		return c.http2.Load()
	case closing:
		return c.h2.Load() != nil
	}
	return false
}

// begin is told of each request by the handler.
func (c *conn) begin(r *http.Request) {
	c.asked.note(r)
	c.told.Forget()
	if c.goroutine.Load() == 0 { // net/http answers HTTP/1 on the connection's own goroutine
		c.goroutine.Store(uint64(stack.Current()))
	}
	c.arrived(r)
}

// arrived is the evidence that a request gives.
func (c *conn) arrived(r *http.Request) {
	waited := time.Duration(c.waited.Load())
	if r.ProtoMajor >= 2 {
		waited = c.sinceStream()
	}
	if c.spoken.Load() {
		if !c.again.Load() {
			c.again.Store(true)
		}
		c.table.furtherRequest(r, waited)
		return
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
		if c.h2.Load() == nil {
			c.enter(busy)
		}
	case http.StateIdle:
		if c.h2.Load() == nil {
			c.ended(c.enter(idle))
		}
	case http.StateHijacked:
		c.table.hijack(c)
	case http.StateClosed: // known from Close
	}
}

func (c *conn) ended(before stamp) {
	if before.phase() == busy {
		c.table.takes.observe(c.table.clock.coarse() - before.since())
		c.table.answered()
		return
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
	c.part()
	return true
}

// part closes with a goodbye.
func (c *conn) part() {
	if secure := c.secure.Load(); secure != nil {
		// TLS may wait up to 5 s for a client that does not read. Until then the
		// table waits for the connection.
		go func() { _ = (*secure).Close() }()
		return
	}
	_ = c.Close() // nobody is left to be told of its error
}

// Close is called by net/http, by the application that hijacked, or by giveUp.
func (c *conn) Close() error {
	err := c.Conn.Close()
	before := c.enter(closed)
	c.table.remove(c, before.phase())
	c.ended(before)
	return err
}

// grace is how long the connection is waited for at the least.
func (c *conn) grace(p phase) time.Duration {
	switch {
	case p == idle && !c.http2.Load():
		return 0
	case p == reading && !c.handshaken():
		return readingGrace
	}
	return freshGrace // also HTTP/2's: net/http says idle before it has flushed the last frame
}
