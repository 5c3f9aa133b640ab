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

// FreeAddress tries ports until it can listen on one, and lets go of it again.
func FreeAddress() (string, error) {
	var last error
	for range 100 {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowestPort+rand.IntN(highestPort-lowestPort)))
		if err != nil {
			last = err
			continue
		}
		return ln.Addr().String(), ln.Close()
	}
	return "", fmt.Errorf("fleet: no free port between %d and %d: %w", lowestPort, highestPort, last)
}

// FreeAddresses are for one process.
func FreeAddresses(name string) (Addresses, error) {
	a := Addresses{Name: name}
	for _, address := range []*string{&a.API, &a.Admin, &a.RPC} {
		var err error
		if *address, err = FreeAddress(); err != nil {
			return a, err
		}
	}
	return a, nil
}
