package traffic

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/shutdown/internal/told"
)

// Table holds the open connections of one server. Its methods are safe for
// concurrent use. It is locked once when a connection comes and once when it
// goes, never by a request.
type Table struct {
	isProbe func(*http.Request) bool
	clock   clock

	news  gaps // between first requests on new connections
	reuse gaps // between an answer and the next request on its connection
	takes gaps // not between, but within: how long requests take

	draining  atomic.Bool
	arrivals  gaps          // while draining: between requests on whatever connection
	further   atomic.Int64  // while draining: when the last request came on an old one
	sentAway  atomic.Int64  // while draining: when a client of HTTP/2 was last told to go
	lastEnded atomic.Int64  // while draining: when the last answer or connection ended
	finished  atomic.Int64  // while draining: how many requests have been answered
	ended     chan struct{} // something has
	calls     calls         // of those who asked to be called when told

	mu       sync.Mutex
	all      map[*conn]struct{}
	hijacked int  // of them
	over     bool // CloseAll has been called
}

// New returns an empty table, whose clock begins now. Requests of probers, told
// by isProbe, are no evidence of traffic.
func New(isProbe func(*http.Request) bool) *Table {
	return &Table{
		isProbe: isProbe,
		clock:   clock{start: time.Now()},
		ended:   make(chan struct{}, 1),
		all:     make(map[*conn]struct{}),
	}
}

// Run keeps the table's clock going until ctx ends.
func (t *Table) Run(ctx context.Context) {
	t.clock.run(ctx, memory, func() {
		t.sweep()
		t.news.forget()
		t.reuse.forget()
		t.takes.forget()
	})
}

// Now is the time on the table's clock.
func (t *Table) Now() time.Duration { return t.clock.exact() }

// At is a moment on the table's clock.
func (t *Table) At(moment time.Time) time.Duration { return moment.Sub(t.clock.start) }

// Drain makes the table remember what only a drain asks for. Before, that costs
// a request a few readings of a word that nobody writes.
func (t *Table) Drain() {
	t.arrivals.last.Store(int64(t.clock.exact()))
	t.draining.Store(true)
}

// Draining reports whether Drain has been called.
func (t *Table) Draining() bool { return t.draining.Load() }

// Ended receives when a request or a connection has ended while draining; one
// value may stand for many.
func (t *Table) Ended() <-chan struct{} { return t.ended }

// Len is the number of open connections.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

// CloseAll closes every connection, whatever it is doing, and none is handed out
// any more: one that is being accepted at this moment would be served by a server
// that nobody stops.
func (t *Table) CloseAll() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	for _, c := range t.list(nil) {
		_ = c.Close() // of what is being thrown away
	}
}

// Changed is for http.Server.ConnState.
func (t *Table) Changed(c net.Conn, state http.ConnState) {
	if ours := connOf(c); ours != nil {
		ours.changed(c, state)
	}
}

// Context is for http.Server.ConnContext. The key is the table itself: pointers
// are the fastest to compare, and each request looks for it.
func (t *Table) Context(ctx context.Context, c net.Conn) context.Context {
	ours := connOf(c)
	if ours != nil {
		ctx = told.With(ctx, &ours.told)
	}
	return context.WithValue(ctx, t, ours)
}

// Begin is for the handler, on the goroutine that answers r.
func (t *Table) Begin(r *http.Request) {
	if c, ok := r.Context().Value(t).(*conn); ok && c != nil {
		c.begin(r)
	}
}

// firstRequest is the evidence: somebody sends new connections here.
func (t *Table) firstRequest() {
	now := t.clock.exact()
	t.news.event(now)
	if t.draining.Load() {
		t.arrivals.event(now)
	}
}

// furtherRequest notes that a connection was used again, and how long it waited
// for that. A prober is asked for only where it would matter.
func (t *Table) furtherRequest(r *http.Request, waited time.Duration) {
	if (t.draining.Load() || t.reuse.matters(waited)) && !t.isProbe(r) {
		t.furtherStream(waited)
	}
}

// furtherStream is a furtherRequest that is no probe.
func (t *Table) furtherStream(waited time.Duration) {
	if t.reuse.matters(waited) {
		t.reuse.observe(waited)
	}
	if t.draining.Load() {
		now := t.clock.exact()
		t.further.Store(int64(now))
		t.arrivals.event(now)
	}
}

// answered is a request that has ended well, or with its connection.
func (t *Table) answered() {
	if t.draining.Load() {
		t.finished.Add(1)
	}
	t.hasEnded()
}

// Finished is how many requests have ended since Drain.
func (t *Table) Finished() int { return int(t.finished.Load()) }

// Calls is closed when everything that was called because it had been told has
// returned.
func (t *Table) Calls() <-chan struct{} { return t.calls.wait() }

func (t *Table) hasEnded() {
	if !t.draining.Load() {
		return
	}
	t.lastEnded.Store(int64(t.clock.exact()))
	select {
	case t.ended <- struct{}{}:
	default: // that something has is known already
	}
}

// add reports false after CloseAll.
func (t *Table) add(c *conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.all[c] = struct{}{}
	}
	return !t.over
}

func (t *Table) remove(c *conn, doing phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, c)
	if doing == hijacked {
		t.hijacked--
	}
}

func (t *Table) hijack(c *conn) {
	if c.enter(hijacked).phase() == closed {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hijacked++ // after it is: the count may be too small for a moment, never too large
}

// sweep drops connections that have been closed behind the table's back. Nobody
// would tell it otherwise, and they would hold the next stop to its deadline.
func (t *Table) sweep() {
	if t.Hijacked() == 0 {
		return
	}
	for _, c := range t.list(nil) {
		c.dropIfClosed()
	}
}

// list fills the memory of a former list.
func (t *Table) list(list []*conn) []*conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	list = slices.Grow(list[:0], len(t.all))
	for c := range t.all {
		list = append(list, c)
	}
	return list
}

// Hijacked is the number of connections that the application has taken over.
func (t *Table) Hijacked() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hijacked
}

// OnlyHijacked reports whether net/http knows none of the connections any more.
func (t *Table) OnlyHijacked() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hijacked == len(t.all)
}
