//go:build unix && !aix

package traffic

import (
	"net"
	"syscall"
)

// unread reports whether the kernel holds bytes of c that nobody has read. Only
// looking at them (MSG_PEEK) leaves them to the reader.
func unread(c net.Conn) bool {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var n int
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, _ = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && n > 0
}
