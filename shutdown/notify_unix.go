//go:build unix

package shutdown

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// dieByInterrupt returns only if no signal can kill this process. To PID 1 the
// kernel delivers none that has its default action, and the Go runtime, surprised to
// live on, would exit with 2.
func dieByInterrupt() {
	if os.Getpid() == 1 {
		return
	}
	signal.Reset(os.Interrupt)
	if syscall.Kill(os.Getpid(), syscall.SIGINT) == nil {
		time.Sleep(100 * time.Millisecond) // it is delivered to some thread, soon
	}
}
