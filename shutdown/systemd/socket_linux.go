package systemd

import (
	"errors"
	"os"
	"syscall"
)

const supported = true

func closeOnExec(fd int) { syscall.CloseOnExec(fd) }

// listening is asked before the first connection would fail.
func listening(fd int) error {
	switch is, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN); {
	case err != nil:
		return os.NewSyscallError("getsockopt", err)
	case is == 0:
		return errors.New("it is no socket that accepts connections: the .socket unit needs ListenStream=, and Accept=no")
	}
	return nil
}
