package traffic

import "encoding/binary"

const (
	recordHeader = 5

	changeCipherSpec = 20
	handshake        = 22
	applicationData  = 23
)

// records are what a client of TLS sends, by their headers, until one can only
// hold a request. crypto/tls does not tell when its handshake is over, but to who
// waits for its end, and net/http hides the connection from then on.
//
//	TLS 1.2   22 … 20 22, then 23 is the first that asks
//	TLS 1.3   22 [20], then 23 ends the handshake, and the next 23 asks
//
// It errs on the side of a request: where the client shows a certificate in TLS
// 1.3, and after a HelloRetryRequest, the end of its handshake is taken for one.
type records struct {
	head    [recordHeader]byte
	seen    int  // bytes of the one at hand, with its header
	last    byte // type
	changed bool // its cipher
}

// handshaken reports whether all bytes that came were TLS's own: a connection that a
// browser has opened in advance is no half-read request.
func (c *conn) handshaken() bool {
	return c.secure.Load() != nil && !c.asking.Load() && c.goroutine.Load() == 0
}

// asks takes the bytes that have come, and reports whether they belong to a
// request.
func (r *records) asks(p []byte) bool {
	asks := false
	for len(p) > 0 {
		n := min(len(p), r.size()-r.seen)
		if r.seen < recordHeader {
			copy(r.head[r.seen:], p[:n])
		}
		r.seen += n
		p = p[n:]
		if r.seen == recordHeader {
			asks = r.headed(r.head[0]) || asks
		}
		if r.seen >= recordHeader && r.seen == r.size() {
			r.seen = 0
		}
	}
	return asks
}

// size is the header's until that is known.
func (r *records) size() int {
	if r.seen < recordHeader {
		return recordHeader
	}
	return recordHeader + int(binary.BigEndian.Uint16(r.head[3:]))
}

func (r *records) headed(kind byte) (asks bool) {
	asks = kind == applicationData && (r.last == applicationData || r.last == handshake && r.changed)
	r.changed = r.changed || kind == changeCipherSpec
	r.last = kind
	return asks
}
