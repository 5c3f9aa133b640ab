package shutdown

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// errDrained ends net/http's accept loop without http.Server.Shutdown.
var errDrained = errors.New("shutdown: listener drained")

const (
	// An accept that waits this long found the queue empty; twice in a row, since
	// a process that was not scheduled meanwhile may not have looked at all.
	emptyWait  = 5 * time.Millisecond
	emptyTimes = 2
	// mostEmptying bounds the emptying when connections never cease to come.
	mostEmptying = 250 * time.Millisecond
)

// listener hands out tracked connections. When told to drain it accepts until
// the kernel's queue is empty, and only then closes: closing a listener resets
// the connections in its queue, whose clients believe that they are connected.
type listener struct {
	net.Listener
	server *Server

	mu      sync.Mutex
	stopAt  time.Time // zero: not draining
	closed  chan struct{}
	closing sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	for empty := 0; ; {
		draining, overdue := l.arm()
		if overdue || empty >= emptyTimes {
			return nil, errors.Join(errDrained, l.Close())
		}
		raw, err := l.Listener.Accept()
		switch {
		case err == nil:
			c := &conn{Conn: raw, server: l.server}
			c.stamp.Store(uint64(newStamp(fresh, l.server.clock.exact())))
			l.server.conns.add(c)
			return c, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		case draining:
			empty++
		}
	}
}

// arm sets the deadline of the next accept, if the listener is draining. The
// lock keeps drain's deadline, which only wakes, from replacing this one.
func (l *listener) arm() (draining, overdue bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopAt.IsZero() {
		return false, false
	}
	now := time.Now()
	l.setDeadline(now.Add(emptyWait))
	return true, now.After(l.stopAt)
}

// drain makes Accept empty the queue and close.
func (l *listener) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopAt = time.Now().Add(mostEmptying)
	l.setDeadline(time.Now()) // wakes the Accept that is waiting
}

// setDeadline closes a listener that knows no deadlines: its queue cannot be
// emptied. An error means that it is closed, which Accept reports.
func (l *listener) setDeadline(at time.Time) {
	if d, ok := l.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		_ = d.SetDeadline(at)
		return
	}
	_ = l.Listener.Close()
}

func (l *listener) Close() error {
	err := l.Listener.Close()
	l.closing.Do(func() {
		close(l.closed)
		l.server.wake()
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
