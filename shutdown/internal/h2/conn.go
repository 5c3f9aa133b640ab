package h2

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// patience is how long the answer to our PING is waited for. A client that is
	// there answers in a round trip.
	patience = time.Second
	// afterword is how long after the answer a stream may come that was opened
	// before it: Go's client numbers a stream first and writes it later, and its
	// answer may overtake it.
	afterword = 100 * time.Millisecond
)

// Conn is a connection below net/http's HTTP/2, which goes away in two steps. Its
// methods may be called at any time and by anybody.
type Conn struct {
	net.Conn // below: the *tls.Conn, or the connection itself

	changed func() // or nil
	begun   func() // or nil
	over    func() // or nil
	hello   atomic.Bool
	greeted int // bytes of the preface that have come; of whoever reads
	foreign atomic.Bool
	in      frame // of whoever reads

	writing sync.Mutex // guards what follows, and is held while the connection is written to
	out     frame
	asked   bool  // our first two frames have been written
	gone    bool  // and the last one; nothing follows
	failed  error // one of ours was not written to its end, so nothing can follow

	due      atomic.Bool // frames of ours are to be written
	finished atomic.Bool // set with mu held
	injector sync.WaitGroup

	mu        sync.Mutex // is never held while something waits
	streams   map[uint32]struct{}
	last      uint32 // stream that was read
	disowned  uint32 // streams above have been dropped by net/http, which has told the client
	announced bool
	answered  bool
	told      bool
	closed    bool
	timer     *time.Timer // until told
}

func newConn(below net.Conn) *Conn {
	c := &Conn{Conn: below, greeted: len(preface), disowned: lastStream, streams: make(map[uint32]struct{})}
	c.hello.Store(true)
	return c
}

// NetConn is what the Conn was put around.
func (c *Conn) NetConn() net.Conn { return c.Conn }

// OnChange makes f be called when Finish may say something else than before: the
// last stream has ended, or the client knows. It is for the function that Hook was
// given, and called once; f must not wait.
func (c *Conn) OnChange(f func()) { c.changed = f }

// Announce tells the client to open no more streams here: the first step. It
// returns at once. A client that does not read is told when it does.
func (c *Conn) Announce() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.announced || c.closed {
		return
	}
	c.announced = true
	c.timer = time.AfterFunc(patience, c.waited)
	c.inject()
}

// Announced reports whether Announce was called.
func (c *Conn) Announced() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.announced
}

// Told reports whether the client knows: it has answered, 0.1 s ago for the sake
// of what the answer has overtaken, and every stream that it had opened before
// has been read. Also true of a client that owed an answer for a second, without a
// stream open.
func (c *Conn) Told() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told
}

// Streams is how many streams are open on the wire: HEADERS have been read, and
// neither their end was written nor a reset written or read. Not those that
// net/http has dropped by a GOAWAY of its own.
func (c *Conn) Streams() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.streams)
}

// Finish ends the connection, if the client knows and no stream is open: the
// second step. It returns at once, and reports whether the connection ends. The
// client closes it when it has read so much; the caller does when that takes too
// long. What still comes is thrown away, and what is still written, too.
func (c *Conn) Finish() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.finished.Load() {
		return true
	}
	if !c.told || len(c.streams) > 0 {
		return false
	}
	c.finished.Store(true)
	c.inject()
	return true
}

// Close waits for what Announce and Finish have begun.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	err := c.Conn.Close()
	c.injector.Wait()
	return err
}
