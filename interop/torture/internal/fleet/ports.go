//go:build unix

package fleet

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Addresses are where a process of the service listens.
type Addresses struct{ Name, API, Admin, RPC string }

// Ports come from below the range from which connections get theirs (32768 and
// up on Linux): the load's own connections could have taken one in between.
const lowestPort, highestPort = 10000, 30000

// Free returns n addresses of this machine on which nobody listens. It listens on
// each until all have been found, so that none comes twice.
func Free(n int) ([]string, error) {
	var free []string
	var last error
	for range 100 + n {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowestPort+rand.IntN(highestPort-lowestPort)))
		if err != nil {
			last = err
			continue
		}
		defer func() { _ = ln.Close() }() // nobody has connected
		free = append(free, ln.Addr().String())
		if len(free) == n {
			return free, nil
		}
	}
	return nil, fmt.Errorf("fleet: no %d free ports between %d and %d: %w", n, lowestPort, highestPort, last)
}

// FreeAddresses are for one process.
func FreeAddresses(name string) (Addresses, error) {
	free, err := Free(3)
	if err != nil {
		return Addresses{}, err
	}
	return Addresses{Name: name, API: free[0], Admin: free[1], RPC: free[2]}, nil
}
