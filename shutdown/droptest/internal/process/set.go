package process

import (
	"fmt"
	"os/exec"
	"runtime"
	"sync"
)

// Set starts processes and sees to it that none is left. Its methods belong to
// one goroutine.
type Set struct {
	onePort bool
	starts  chan func() // nil before the first
	running sync.WaitGroup
	all     []*Process
	ports   ports
	exits   chan *Process
}

// New returns a set with room for so many processes. With onePort both addresses
// of a process are the same.
func New(room int, onePort bool) *Set {
	return &Set{onePort: onePort, exits: make(chan *Process, room)}
}

// Start runs one more process of a version. The command is made on the caller's
// goroutine and not yet started; output that it does not direct elsewhere is
// kept for Failed.
func (s *Set) Start(version string, command func(Addresses) *exec.Cmd) (*Process, error) {
	name := fmt.Sprintf("%s-%d", version, len(s.all)+1)
	if len(s.all) == cap(s.exits) {
		return nil, fmt.Errorf("start %s: the set has room for %d: make a larger one with New", name, cap(s.exits))
	}
	addresses, err := s.ports.addresses(s.onePort)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	exited := make(chan struct{})
	p := &Process{Name: name, Version: version, Addresses: addresses, Exited: exited}
	if p.cmd = command(addresses); p.cmd == nil {
		return nil, fmt.Errorf("start %s: Command returned nil: return an *exec.Cmd", name)
	}
	p.prepare()
	if err := s.run(p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.PID = p.cmd.Process.Pid
	s.all = append(s.all, p)
	s.running.Go(func() {
		p.wait()
		s.exits <- p
		close(exited)
	})
	return p, nil
}

// run starts a command on a goroutine that keeps its thread for as long as the
// set lives: on Linux a child dies with the thread that created it (prctl(2),
// PR_SET_PDEATHSIG), not with the process.
func (s *Set) run(cmd *exec.Cmd) error {
	if s.starts == nil {
		s.starts = make(chan func())
		s.running.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for start := range s.starts {
				start()
			}
		})
	}
	started := make(chan error)
	s.starts <- func() { started <- cmd.Start() }
	return <-started
}

// All are the processes that have been started, in this order.
func (s *Set) All() []*Process { return s.all }

// Exits gets each process once, when it has exited, just before its Exited is
// closed.
func (s *Set) Exits() <-chan *Process { return s.exits }

// End kills what still runs and waits for everything. It is the last call.
func (s *Set) End() {
	for _, p := range s.all {
		p.kill(false)
	}
	for _, p := range s.all {
		<-p.Exited
	}
	if s.starts != nil {
		close(s.starts)
	}
	s.running.Wait()
}
