package wire

import (
	"context"
	"net"
	"sync"
	"time"
)

// Set are all the wires that somebody has opened, so that all can be ended. The
// zero value is ready. Its methods may be called at the same time.
type Set struct {
	running sync.WaitGroup
	mu      sync.Mutex
	open    map[*Wire]bool
	closed  bool
}

// Dial connects to a TCP address, which takes a round trip, over a wire that
// has the given delay in each direction.
func (s *Set) Dial(ctx context.Context, address string, delay time.Duration) (*Wire, error) {
	if err := sleep(ctx, delay); err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if errSleep := sleep(ctx, delay); err == nil && errSleep != nil {
		_ = conn.Close()
		return nil, errSleep
	}
	if err != nil {
		return nil, err
	}
	return s.Add(conn, delay), nil
}

// Add makes a wire of a connection. After Close it is one that is gone already.
func (s *Set) Add(conn net.Conn, delay time.Duration) *Wire {
	w := newWire(conn, delay)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		w.abort()
		return w
	}
	if s.open == nil {
		s.open = make(map[*Wire]bool)
	}
	s.open[w] = true
	s.running.Go(func() {
		w.run()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, w)
	})
	return w
}

// Close ends every wire, and those to come, and waits for them.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	for w := range s.open {
		w.abort()
	}
	s.mu.Unlock()
	s.running.Wait()
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
