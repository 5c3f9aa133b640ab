package droptest

import (
	"net"
	"sync"
	"time"
)

// wires are all that one deployment has opened, so that all can be ended.
type wires struct {
	running sync.WaitGroup
	mu      sync.Mutex
	open    map[*wire]bool
	closed  bool
}

func (ws *wires) add(conn net.Conn, delay time.Duration) *wire {
	w := newWire(conn, delay)
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed {
		w.abort()
		return w
	}
	if ws.open == nil {
		ws.open = make(map[*wire]bool)
	}
	ws.open[w] = true
	ws.running.Go(func() {
		w.run()
		ws.mu.Lock()
		defer ws.mu.Unlock()
		delete(ws.open, w)
	})
	return w
}

// close ends every wire, and those to come, and waits for them.
func (ws *wires) close() {
	ws.mu.Lock()
	ws.closed = true
	for w := range ws.open {
		w.abort()
	}
	ws.mu.Unlock()
	ws.running.Wait()
}
