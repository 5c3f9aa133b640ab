package droptest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"sync"
)

// Ports come from below the range from which connections get theirs (32768 and
// up on Linux): the load's own connections could have taken one in between.
const lowestPort, highestPort = 10000, 30000

// processes starts processes and sees to it that none is left.
type processes struct {
	onePort bool
	starts  chan func()
	running sync.WaitGroup
	all     []*process
	ports   []int
	exits   chan *process // each process once, when it has exited; never blocks
}

// newProcesses has room for both versions. The goroutine that starts them keeps
// its thread for as long as they live: on Linux a child dies with the thread
// that created it (prctl(2), PR_SET_PDEATHSIG), not with the process.
func newProcesses(cfg Config) *processes {
	ps := &processes{
		onePort: cfg.OnePort,
		starts:  make(chan func()),
		exits:   make(chan *process, 2*cfg.Replicas),
	}
	ps.running.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for start := range ps.starts {
			start()
		}
	})
	return ps
}

// start runs one more process of a version.
func (ps *processes) start(v Version) (*process, error) {
	name := fmt.Sprintf("%s-%d", v.Name, len(ps.all)+1)
	addresses, err := ps.addresses()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, version: v.Name, addresses: addresses, exited: make(chan struct{})}
	if p.cmd = v.Command(addresses); p.cmd == nil {
		return nil, fmt.Errorf("start %s: Command returned nil: return an *exec.Cmd", name)
	}
	p.prepare()
	started := make(chan error)
	ps.starts <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	ps.all = append(ps.all, p)
	ps.running.Go(func() {
		p.wait()
		ps.exits <- p
		close(p.exited)
	})
	return p, nil
}

// end kills what still runs and waits for everything.
func (ps *processes) end() {
	for _, p := range ps.all {
		p.kill(false)
	}
	for _, p := range ps.all {
		<-p.exited
	}
	close(ps.starts)
	ps.running.Wait()
}

func (ps *processes) addresses() (Addresses, error) {
	api, errAPI := ps.freeAddress()
	if ps.onePort {
		return Addresses{API: api, Probes: api}, errAPI
	}
	probes, errProbes := ps.freeAddress()
	return Addresses{API: api, Probes: probes}, errors.Join(errAPI, errProbes)
}

// freeAddress tries ports until it can listen on one, and lets go of it again.
func (ps *processes) freeAddress() (string, error) {
	var last error
	for range 100 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if slices.Contains(ps.ports, port) {
			continue
		}
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			last = err
			continue
		}
		ps.ports = append(ps.ports, port)
		return ln.Addr().String(), ln.Close()
	}
	return "", fmt.Errorf("no free port between %d and %d: %w", lowestPort, highestPort, last)
}
