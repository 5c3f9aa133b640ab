package traffic

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// ReadFrom keeps sendfile(2) for responses that are files.
func (c *conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// CloseWrite lets net/http say goodbye to a client that is still sending.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// dropIfClosed forgets a hijacked connection that was closed through NetConn, which
// is how a program gets past Close. Only a connection with a socket can be asked.
func (c *conn) dropIfClosed() {
	if c.load().phase() != hijacked {
		return
	}
	socket, err := c.SyscallConn()
	if err != nil {
		return
	}
	if errors.Is(socket.Control(func(uintptr) {}), net.ErrClosed) {
		_ = c.Close() // it has been
	}
}

// NetConn is for those who need the connection's own type, as in tls.Conn.
func (c *conn) NetConn() net.Conn { return c.Conn }

// SyscallConn is for those who need the socket, such as its peer's credentials.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// connOf finds ours, below HTTP/2 and TLS if need be.
func connOf(c net.Conn) *conn {
	for {
		if ours, ok := c.(*conn); ok {
			return ours
		}
		wrapped, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = wrapped.NetConn()
	}
}
