package h2

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

const (
	encrypted   = "h2"
	unencrypted = "unencrypted_http2" // serves what is no TLS, and has its preface read

	preface        = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	prefaceTimeout = 10 * time.Second // net/http's
)

// Hook makes every HTTP/2 connection of srv a Conn, and calls follow for each,
// before its first frame is read or written. It reports whether it could; if not,
// nothing has changed. It is called once, when net/http has filled TLSNextProto
// and serves nothing yet: from BaseContext.
//
// A ConnState hook is given the followed connections; Below has those that it
// knows.
func Hook(srv *http.Server, follow func(*Conn)) bool {
	serve := srv.TLSNextProto[unencrypted]
	if serve == nil || srv.TLSNextProto[encrypted] == nil {
		return false
	}
	srv.TLSNextProto[encrypted] = func(srv *http.Server, c *tls.Conn, h http.Handler) {
		if err := readPreface(c); err != nil {
			logf(srv, "http2: server: error reading preface from client %v: %v", c.RemoteAddr(), err)
			return // net/http closes it
		}
		followed := newConn(c)
		follow(followed)
		serve(srv, through(&secured{followed, c}), h)
	}
	srv.TLSNextProto[unencrypted] = func(srv *http.Server, c *tls.Conn, h http.Handler) {
		if inner, ok := c.NetConn().(interface{ UnencryptedNetConn() net.Conn }); ok {
			followed := newConn(inner.UnencryptedNetConn())
			follow(followed)
			c = through(followed)
		}
		serve(srv, c, h)
	}
	return true
}

func readPreface(c net.Conn) error {
	if err := c.SetReadDeadline(time.Now().Add(prefaceTimeout)); err != nil {
		return err
	}
	var read [len(preface)]byte
	if _, err := io.ReadFull(c, read[:]); err != nil {
		return err
	}
	if string(read[:]) != preface {
		return fmt.Errorf("bogus greeting %q", read)
	}
	return c.SetReadDeadline(time.Time{})
}

func logf(srv *http.Server, format string, args ...any) {
	if srv.ErrorLog != nil {
		srv.ErrorLog.Printf(format, args...)
	} else {
		log.Printf(format, args...)
	}
}

// secured tells net/http that there is TLS below, and of what kind.
type secured struct {
	*Conn
	tls *tls.Conn
}

func (s *secured) ConnectionState() tls.ConnectionState { return s.tls.ConnectionState() }

// seam is how net/http hands over a connection where only a *tls.Conn fits: its
// other methods are never called.
type seam struct {
	net.Conn
	through net.Conn
}

func (s seam) UnencryptedNetConn() net.Conn { return s.through }

func through(c net.Conn) *tls.Conn { return tls.Client(seam{through: c}, nil) }

// Below is the connection as it was before Hook.
func Below(c net.Conn) net.Conn {
	switch c := c.(type) {
	case *Conn:
		return c.Conn
	case *secured:
		return c.tls
	}
	return c
}
