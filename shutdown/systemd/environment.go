package systemd

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// environment is what systemd has said in variables. What was meant for another
// process, and only inherited, is not in it.
type environment struct {
	notify      string // the address to tell; "" if nobody wants to know
	notifyErr   error
	watchdog    time.Duration // after which systemd kills without a beat; 0: never
	watchdogErr error
	sockets     []string // names, of the descriptors from firstSocket on
	socketsErr  error
}

// firstSocket is SD_LISTEN_FDS_START.
const firstSocket = 3

// unnamed is what sd_listen_fds_with_names calls a socket without a name.
const unnamed = "unknown"

func read(getenv func(string) string, pid int) environment {
	var e environment
	self := strconv.Itoa(pid)
	e.notify, e.notifyErr = readNotify(getenv("NOTIFY_SOCKET"))
	if of := getenv("WATCHDOG_PID"); of == "" || of == self {
		e.watchdog, e.watchdogErr = readWatchdog(getenv("WATCHDOG_USEC"))
	}
	if getenv("LISTEN_PID") == self {
		e.sockets, e.socketsErr = readSockets(getenv("LISTEN_FDS"), getenv("LISTEN_FDNAMES"))
	}
	return e
}

func readNotify(socket string) (string, error) {
	switch {
	case socket == "":
		return "", nil
	case len(socket) > 1 && (socket[0] == '/' || socket[0] == '@'): // @: an abstract name, in net as well
		return socket, nil
	}
	return "", fmt.Errorf("NOTIFY_SOCKET is %q; a path or an abstract name (@) is needed, other kinds as vsock are not spoken", socket)
}

func readWatchdog(usec string) (time.Duration, error) {
	if usec == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/int64(time.Microsecond) {
		return 0, fmt.Errorf("WATCHDOG_USEC is %q; a number of microseconds above 0 is needed", usec)
	}
	return time.Duration(n) * time.Microsecond, nil
}

func readSockets(number, names string) ([]string, error) {
	n, err := strconv.ParseUint(number, 10, 16) // a process has no more descriptors than that
	if err != nil {
		return nil, fmt.Errorf("LISTEN_FDS is %q; a number of descriptors is needed", number)
	}
	if names == "" {
		return slices.Repeat([]string{unnamed}, int(n)), nil
	}
	named := strings.Split(names, ":")
	if len(named) != int(n) {
		return nil, fmt.Errorf("LISTEN_FDNAMES has %d names, %s, but LISTEN_FDS is %d", len(named), quoted(named), n)
	}
	return named, nil
}
