package traffic

import (
	"net/http"
	"net/url"
	"reflect"
	"sync"
	"time"

	"github.com/handover-go/handover/internal/stack"
	"github.com/handover-go/handover/shutdown/internal/told"
)

// InFlight is something that a connection is in the middle of.
type InFlight struct {
	// Request has only the method, host and path that it had when it came, to
	// ask a mux for its pattern. It is nil if it has not been read, and its URL if
	// that is very long.
	Request  *http.Request
	Hijacked bool
	Stream   bool // one or more of HTTP/2, without a name: half read, or its client does not read the answer
	Told     bool // it listened, and was told to come to an end; never of what has no name
	Age      time.Duration
	Stack    string // of the goroutine that answers it, where that is known

	goroutine stack.ID
	stream    *Stream
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
	all := stack.All()
	byNumber, byStream := all.Of(ids...), all.Through(serve)
	for i, f := range list {
		if list[i].Stack = byNumber[f.goroutine]; f.stream != nil {
			list[i].Stack = byStream[reflect.ValueOf(f.stream).Pointer()]
		}
	}
	return list
}

func (c *conn) inFlight(now time.Duration) []InFlight {
	seen, list := c.load(), c.inStreams(now)
	f := InFlight{Age: now - seen.since(), goroutine: stack.ID(c.goroutine.Load())}
	switch p := seen.phase(); {
	case p == busy && len(list) > 0: // HTTP/2 that is not known by its frames
		return list
	case p == busy, p == hijacked:
		f.Request, f.Hijacked = c.asked.request(), p == hijacked
		f.Told = heard(&c.told)
	case p == framed && (c.openStreams() > len(list)):
		f.Stream = true
	case p == reading && !c.handshaken():
	default:
		return list
	}
	return append(list, f)
}

func heard(signal *told.Signal) bool { return signal.Listening() && signal.Told() }

func (c *conn) inStreams(now time.Duration) (list []InFlight) {
	c.eachStream(func(s *Stream) {
		list = append(list, InFlight{
			Request: bare(s.method, s.host, s.path),
			Told:    heard(s.ctx.Asked()),
			Age:     now - s.began,
			stream:  s,
		})
	})
	return list
}

func bare(method, host, path string) *http.Request {
	return &http.Request{Method: method, Host: host, URL: &url.URL{Path: path}}
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
	method, rest := string(a.text[:a.method]), a.text[a.method:]
	host, path := string(rest[:a.host]), rest[a.host:]
	if a.path < 0 {
		return &http.Request{Method: method, Host: host}
	}
	return bare(method, host, string(path[:a.path]))
}
