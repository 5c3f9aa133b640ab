package fleet

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports come from below the range from which connections get theirs (32768 and up on
// Linux): one of the load's could have taken one in between.
const lowestPort, highestPort = 10000, 30000

// Free finds addresses of this machine that nobody listens at. All are held until the last is found, so
// that none is found twice.
func Free(n int) (addresses []string, err error) {
	for range 100 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		var ln net.Listener
		if ln, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
			continue
		}
		defer func() { _ = ln.Close() }()
		if addresses = append(addresses, ln.Addr().String()); len(addresses) == n {
			return addresses, nil
		}
	}
	return nil, fmt.Errorf("no free port between %d and %d: %w", lowestPort, highestPort, err)
}
