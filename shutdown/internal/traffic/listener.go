package traffic

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/handover-go/handover/shutdown/internal/h2"
)

// ErrDrained ends net/http's accept loop without http.Server.Shutdown.
var ErrDrained = errors.New("listener drained")

const (
	// An accept that waits this long found the queue empty; twice in a row, since
	// a process that was not scheduled meanwhile may not have looked at all.
	emptyWait  = 5 * time.Millisecond
	emptyTimes = 2
	// mostEmptying bounds the emptying when connections never cease to come.
	mostEmptying = 250 * time.Millisecond
)

// Listener hands out connections of a Table. When told to drain it accepts until
// the kernel's queue is empty, and only then closes: closing a listener resets
// the connections in its queue, whose clients believe that they are connected.
type Listener struct {
	net.Listener
	table  *Table
	frames bool // the server reads HTTP/2 itself

	mu       sync.Mutex
	draining bool
	shut     bool      // closed, since it knows no deadlines
	stopAt   time.Time // zero: nobody has looked at the queue since
	closed   chan struct{}
	closing  sync.Once
}

// Listener wraps l. A listener without SetDeadline cannot be emptied: what waits
// in its queue is lost when it closes.
func (t *Table) Listener(l net.Listener) *Listener {
	return &Listener{Listener: l, table: t, closed: make(chan struct{})}
}

// FrameListener wraps l for a server that reads HTTP/2 from the connection itself,
// as gRPC does.
func (t *Table) FrameListener(l net.Listener) *Listener {
	frames := t.Listener(l)
	frames.frames = true
	return frames
}

// accepted enters a connection; nil if it comes too late.
func (t *Table) accepted(raw net.Conn, frames bool) net.Conn {
	c := &conn{Conn: raw, table: t}
	c.told.Go = t.calls.Go
	c.stamp.Store(uint64(newStamp(fresh, t.clock.exact())))
	switch {
	case !t.add(c):
		_ = raw.Close() // as if it had stayed in the queue of a listener that has closed
		return nil
	case !frames:
		return c
	}
	h := h2.Follow(c)
	h.OnBegin(c.streamBegun)
	h.OnEnd(t.answered)
	t.Follow(h)
	return h
}

// Accept returns ErrDrained after Drain, when the queue is empty, and after
// CloseAll.
func (l *Listener) Accept() (net.Conn, error) {
	for empty := 0; ; {
		draining, overdue := l.arm()
		if overdue || empty >= emptyTimes {
			return nil, errors.Join(ErrDrained, l.Close())
		}
		raw, err := l.Listener.Accept()
		switch {
		case err == nil:
			if c := l.table.accepted(raw, l.frames); c != nil {
				return c, nil
			}
			return nil, errors.Join(ErrDrained, l.Close())
		case l.closedByDrain(err):
			return nil, errors.Join(ErrDrained, l.Close())
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		case draining:
			empty++
		}
	}
}

// arm sets the deadline of the next accept, if the listener is draining. The
// lock keeps Drain's deadline, which only wakes, from replacing this one.
func (l *Listener) arm() (draining, overdue bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.draining {
		return false, false
	}
	now := time.Now()
	if l.stopAt.IsZero() { // from the first look at the queue, however late net/http comes to take it
		l.stopAt = now.Add(mostEmptying)
	}
	l.setDeadline(now.Add(emptyWait))
	return true, now.After(l.stopAt)
}

// Drain makes Accept empty the queue and close. If nobody accepts any more, use
// Close.
func (l *Listener) Drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draining = true
	l.setDeadline(time.Now()) // wakes the Accept that is waiting
}

// setDeadline closes a listener that knows no deadlines: its queue cannot be
// emptied. An error means that it is closed, which Accept reports.
func (l *Listener) setDeadline(at time.Time) {
	if d, ok := l.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		_ = d.SetDeadline(at)
		return
	}
	l.shut = true
	_ = l.Listener.Close()
}

// Close may be called twice.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	l.closing.Do(func() { close(l.closed) })
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Closed is closed when the listener is.
func (l *Listener) Closed() <-chan struct{} { return l.closed }

// closedByDrain tells the error of a listener that had to be closed because it
// knows no deadlines; it may have an error of its own for that.
func (l *Listener) closedByDrain(err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shut || l.draining && errors.Is(err, net.ErrClosed)
}
