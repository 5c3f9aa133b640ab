package balance

import (
	"cmp"
	"net/http"
	"sync"
)

// noEndpoint is why nothing could be done when nobody is in rotation.
const noEndpoint = "no endpoint"

// What the proxy adds to its responses.
const (
	headerProcess = "X-Droptest-Process" // which process was asked
	headerDrop    = "X-Droptest-Drop"    // why it is a 502
)

// Route is where a client was sent.
type Route struct {
	Process string // as far as known
	Refused string // why it got no answer from there; empty if it did, or it is not known
}

// Route says where the balancer sent the connection from a client's address, or
// the request whose response had this header, which is nil if there was none.
func (b *Balancer) Route(client string, header http.Header) Route {
	r := b.routes.of(client)
	return Route{
		Process: cmp.Or(header.Get(headerProcess), r.Process),
		Refused: cmp.Or(header.Get(headerDrop), r.Refused),
	}
}

// routes are those of connections, by the client's address. Ports come again, so
// there are never many.
type routes struct {
	mu    sync.Mutex
	known map[string]Route
}

func (rs *routes) note(client string, r Route) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.known == nil {
		rs.known = make(map[string]Route)
	}
	rs.known[client] = r
}

func (rs *routes) of(client string) Route {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.known[client]
}
