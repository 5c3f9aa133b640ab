package traffic

import (
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/handover-go/handover/internal/stack"
)

// InFlight is something that a connection is in the middle of.
type InFlight struct {
	// Request has only the method, host and path that it had when it came, to
	// ask a mux for its pattern. It is nil if it has not been read, and its URL if
	// that is very long.
	Request  *http.Request
	Hijacked bool
	Stream   bool // of HTTP/2, without a name: half read, or its client does not read the answer
	Told     bool // it listened, and was told to come to an end
	Age      time.Duration
	Stack    string // of the goroutine that answers it, where that is known

	goroutine stack.ID
}

// InFlight lists what would be lost if all connections were closed now.
func (t *Table) InFlight() []InFlight {
	now := t.clock.exact()
	var list []InFlight
	var ids []stack.ID
	for _, c := range t.list(nil) {
		list = append(list, c.inFlight(now)...)
	}
	for _, f := range list {
		ids = append(ids, f.goroutine)
	}
	if len(ids) == 0 {
		return nil
	}
	found := stack.Of(ids...)
	for i, id := range ids {
		list[i].Stack = found[id]
	}
	return list
}

func (c *conn) inFlight(now time.Duration) []InFlight {
	seen := c.load()
	told := c.told.Listening() && c.told.Told()
	if streams := c.inStreams(now, told); len(streams) > 0 {
		return streams
	}
	f := InFlight{Told: told, Age: now - seen.since(), goroutine: stack.ID(c.goroutine.Load())}
	switch p := seen.phase(); {
	case p == busy, p == hijacked:
		f.Request, f.Hijacked = c.asked.request(), p == hijacked
	case p == framed && (c.h2.Load().Streams() > 0 || c.h2.Load().Foreign()):
		f.Stream = true
	case p == reading && !c.handshaken():
	default:
		return nil
	}
	return []InFlight{f}
}

func (c *conn) inStreams(now time.Duration, told bool) []InFlight {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []InFlight
	for s := range c.streams {
		list = append(list, InFlight{Request: s.asked.request(), Told: told, Age: now - s.began, goroutine: s.goroutine})
	}
	return list
}

// asked is what names a request. It is copied, since handlers change theirs
// (method overrides, proxy headers, cleaned paths), and a drain that looked at it
// meanwhile would see half of the change. It is copied byte by byte, since
// storing strings would cost a request more while the garbage is collected.
type asked struct {
	mu           sync.Mutex
	method, host int // how many bytes of text
	path         int // or -1: too long
	text         [176]byte
}

func (a *asked) note(r *http.Request) {
	a.mu.Lock()
	a.method = copy(a.text[:], r.Method)
	a.host = copy(a.text[a.method:], r.Host)
	a.path = copy(a.text[a.method+a.host:], r.URL.Path)
	if a.path < len(r.URL.Path) {
		a.path = -1
	}
	a.mu.Unlock()
}

func (a *asked) request() *http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	method, rest := a.text[:a.method], a.text[a.method:]
	r := &http.Request{Method: string(method), Host: string(rest[:a.host])}
	if a.path >= 0 {
		r.URL = &url.URL{Path: string(rest[a.host : a.host+a.path])}
	}
	return r
}
