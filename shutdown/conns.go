package shutdown

import "sync"

// conns is the table of open connections. It is touched once when a connection
// comes and once when it goes, never by a request.
type conns struct {
	mu  sync.Mutex
	all map[*conn]struct{}
}

func (t *conns) add(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = make(map[*conn]struct{})
	}
	t.all[c] = struct{}{}
}

func (t *conns) remove(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, c)
}

func (t *conns) list() []*conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]*conn, 0, len(t.all))
	for c := range t.all {
		list = append(list, c)
	}
	return list
}
