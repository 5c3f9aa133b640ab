package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
)

// Ports come from below the range from which connections get theirs (32768 and
// up on Linux): the load's own connections could have taken one in between.
const lowestPort, highestPort = 10000, 30000

// ports have been given away: none is given twice.
type ports []int

func (ps *ports) addresses(onePort bool) (Addresses, error) {
	api, errAPI := ps.free()
	if onePort {
		return Addresses{API: api, Probes: api}, errAPI
	}
	probes, errProbes := ps.free()
	return Addresses{API: api, Probes: probes}, errors.Join(errAPI, errProbes)
}

// free tries ports until it can listen on one, and lets go of it again.
func (ps *ports) free() (string, error) {
	var last error
	for range 100 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if slices.Contains(*ps, port) {
			continue
		}
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			last = err
			continue
		}
		*ps = append(*ps, port)
		return ln.Addr().String(), ln.Close()
	}
	return "", fmt.Errorf("no free port between %d and %d: %w", lowestPort, highestPort, last)
}
