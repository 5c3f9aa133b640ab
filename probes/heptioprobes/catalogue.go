package heptioprobes

import (
	"cmp"
	"time"

	"github.com/heptiolabs/healthcheck"

	"github.com/handover-go/handover/probes"
)

// DNS is a readiness check for a set's Add: a host's name resolves within the
// time-out, 1 s by default.
func DNS(name string, scope probes.Scope, host string, timeout time.Duration) probes.Check {
	timeout = cmp.Or(timeout, time.Second)
	return dialling(name, scope, timeout, healthcheck.DNSResolveCheck(host, timeout))
}

// TCP is a readiness check for a set's Add: a connection to host:port can be made
// within the time-out, 1 s by default. The kernel makes it: a process that hangs and
// never accepts passes.
func TCP(name string, scope probes.Scope, addr string, timeout time.Duration) probes.Check {
	timeout = cmp.Or(timeout, time.Second)
	return dialling(name, scope, timeout, healthcheck.TCPDialCheck(addr, timeout))
}

// HTTP is a readiness check for a set's Add: a GET is answered with 200, and nothing
// else, within the time-out, 1 s by default. It follows no redirect, opens a
// connection for each run, and goes by the proxy of the environment.
func HTTP(name string, scope probes.Scope, url string, timeout time.Duration) probes.Check {
	timeout = cmp.Or(timeout, time.Second)
	return dialling(name, scope, timeout, healthcheck.HTTPGetCheck(url, timeout))
}

// Goroutines is a readiness check for a set's Add that warns, while there are more
// goroutines than the threshold: a busy instance that leaves makes the others
// busier, and one that is restarted for it, as in the original's README, drops
// what it was busy with. Who means it sets Impact or Kind.
func Goroutines(name string, threshold int) probes.Check {
	c := probes.Check{Name: name, Kind: probes.Readiness, Scope: probes.Local, Impact: probes.Degrading}
	c, _ = adapt(healthcheck.GoroutineCountCheck(threshold), c) // which it takes
	return c
}

// margin lets a check end by its own time-out. At the same moment the set might find
// it still there when it ends, and take that for a check that hangs.
const margin = 100 * time.Millisecond

func dialling(name string, scope probes.Scope, timeout time.Duration, check healthcheck.Check) probes.Check {
	c := probes.Check{Name: name, Kind: probes.Readiness, Scope: scope, Timeout: timeout}
	if timeout > 0 { // or else the set refuses it as it is
		c.Timeout += margin
	}
	c, _ = adapt(check, c) // which it takes
	return c
}
