package probestest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Config is what a pod's manifest says of its one container. That is always
// restarted: at once, or if it ends again and again, after the kubelet's back-off
// of 10 s, 20 s and so on up to 5 min. The zero value is valid: a pod without
// probes is ready from the start.
type Config struct {
	Startup, Liveness, Readiness Probe

	// GracePeriod is terminationGracePeriodSeconds, from SIGTERM to SIGKILL; 30 s by
	// default. The kubelet grants 2 s at least, so that is what negative ones get.
	GracePeriod time.Duration
	// Program is what runs in the container: its context ends with SIGTERM, its
	// return is the exit, and with every new container it is called anew. One that
	// returns too late has been killed, as far as the pod can tell, but Run waits
	// for it. nil is a program that exits at SIGTERM, as one without a handler for
	// signals does.
	Program func(context.Context) error
	// Address is the host:port of a server that is asked over TCP, with the real
	// clock; New then takes no handler. An exec.Cmd with a WaitDelay of GracePeriod
	// makes a Program of a process.
	Address string
}

// Probe is one httpGet probe. Without a Path there is none. The kubelet knows
// whole seconds only.
type Probe struct {
	Path         string        // begins with "/", may have a query
	InitialDelay time.Duration // from the container's start; default none, as are negative ones
	Period       time.Duration // default 10 s
	// Timeout is for the whole answer, its body included; 1 s by default, which
	// is short for a handler that waits for anything (kubernetes/kubernetes#89898).
	Timeout          time.Duration
	SuccessThreshold int // successes in a row; default 1, and no other for startup and liveness
	FailureThreshold int // failures in a row; default 3
	// GracePeriod is terminationGracePeriodSeconds of a startup or liveness probe:
	// that of a container which this probe has killed. Default is the pod's, for
	// all of which a deadlocked process will then sit there.
	GracePeriod time.Duration
}

// withDefaults fills in those of k8s.io/kubernetes pkg/apis/core/v1/defaults.go.
func (c Config) withDefaults() Config {
	c.GracePeriod = cmp.Or(c.GracePeriod, 30*time.Second)
	if c.Program == nil {
		c.Program = func(ctx context.Context) error { <-ctx.Done(); return nil }
	}
	for _, p := range []*Probe{&c.Startup, &c.Liveness, &c.Readiness} {
		if *p == (Probe{}) {
			continue
		}
		p.Period = cmp.Or(p.Period, 10*time.Second)
		p.Timeout = cmp.Or(p.Timeout, time.Second)
		p.SuccessThreshold = cmp.Or(p.SuccessThreshold, 1)
		p.FailureThreshold = cmp.Or(p.FailureThreshold, 3)
	}
	return c
}

// faults lists every mistake in what New was given. It is asked after withDefaults.
func (c Config) faults(handler http.Handler) error {
	var faults []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("probestest: run: "+format, args...))
		}
	}
	refuse(handler == nil && c.Address == "", "there is nothing to ask: give New a handler, or Config.Address a server")
	refuse(handler != nil && c.Address != "", "there is a handler and Config.Address %q: give one of the two", c.Address)
	if c.Address != "" {
		_, _, err := net.SplitHostPort(c.Address)
		refuse(err != nil, "Config.Address is %q: use host:port", c.Address)
	}
	for kind := startup; kind <= readiness; kind++ {
		if p := c.probe(kind); p != (Probe{}) {
			for _, fault := range p.faults(kind) {
				refuse(true, "Config.%s: %s", []string{"Startup", "Liveness", "Readiness"}[kind], fault)
			}
		}
	}
	return errors.Join(faults...)
}

// faults are those of k8s.io/kubernetes pkg/apis/core/validation/validation.go,
// and what could only be a slip.
func (p Probe) faults(kind kind) []string {
	var faults []string
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	_, err := url.ParseRequestURI(p.Path)
	refuse(err != nil || p.Path[0] != '/', "Path is %q: use one that begins with /, or leave out the whole probe", p.Path)
	refuse(p.Period < 0, "Period is %v: use 0 for 10s, or a period", p.Period)
	refuse(p.Timeout < 0, "Timeout is %v: use 0 for 1s, or a time-out; the kubelet always has one", p.Timeout)
	refuse(p.SuccessThreshold < 0, "SuccessThreshold is %d: use 0 for 1, or a number", p.SuccessThreshold)
	refuse(p.SuccessThreshold > 1 && kind != readiness, "SuccessThreshold is %d: it must be 1 but for readiness", p.SuccessThreshold)
	refuse(p.FailureThreshold < 0, "FailureThreshold is %d: use 0 for 3, or a number", p.FailureThreshold)
	refuse(p.GracePeriod < 0, "GracePeriod is %v: use 0 for the pod's, or a time", p.GracePeriod)
	refuse(p.GracePeriod > 0 && kind == readiness, "GracePeriod is %v: readiness kills nothing, leave it out", p.GracePeriod)
	return faults
}

func (c Config) probe(kind kind) Probe {
	return []Probe{startup: c.Startup, liveness: c.Liveness, readiness: c.Readiness}[kind]
}
