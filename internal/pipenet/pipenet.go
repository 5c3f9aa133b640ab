// Package pipenet is a network in memory, for servers in a testing/synctest
// bubble: a goroutine that waits for a real socket is not durably blocked, so
// the bubble's clock would stand still.
package pipenet

import (
	"context"
	"net"
	"os"
	"sync"
	"time"
)

// Listener is a net.Listener whose connections are net.Pipes. Like a kernel it
// queues connections that nobody has accepted, and like one it forgets them
// when it is closed: their clients see io.EOF.
type Listener struct {
	queue  chan net.Conn
	closed chan struct{}

	mu       sync.Mutex
	once     sync.Once
	deadline chan struct{} // closed when the deadline has passed
	timer    *time.Timer
}

// Listen returns a Listener that queues up to backlog connections.
func Listen(backlog int) *Listener {
	return &Listener{
		queue:    make(chan net.Conn, backlog),
		closed:   make(chan struct{}),
		deadline: make(chan struct{}),
	}
}

// Dial connects, as soon as there is room in the queue.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: net.ErrClosed}
	default:
	}
	select {
	case l.queue <- server:
		return client, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept waits for a connection, the deadline or Close.
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	deadline := l.deadline
	l.mu.Unlock()
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	select { // what is queued goes first
	case c := <-l.queue:
		return c, nil
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-deadline:
		return nil, os.ErrDeadlineExceeded
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// SetDeadline bounds the Accept that waits and all later ones.
func (l *Listener) SetDeadline(at time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	// An Accept that waits keeps the channel it has; it is replaced only once
	// its deadline has passed.
	select {
	case <-l.deadline:
		l.deadline = make(chan struct{})
	default:
	}
	passed := l.deadline
	var once sync.Once
	expire := func() { once.Do(func() { close(passed) }) }
	if d := time.Until(at); d > 0 {
		l.timer = time.AfterFunc(d, expire)
	} else {
		expire()
	}
	return nil
}

// Close ends Accept and resets what is queued.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	for {
		select {
		case c := <-l.queue:
			_ = c.Close()
		default:
			return nil
		}
	}
}

// Addr is a name for logs.
func (l *Listener) Addr() net.Addr { return addr{} }

type addr struct{}

func (addr) Network() string { return "pipe" }
func (addr) String() string  { return "pipe" }
