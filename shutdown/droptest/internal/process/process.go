package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Addresses are the two host:port pairs that a process is told to listen on.
type Addresses struct{ API, Probes string }

// Process is one running copy of a version. Its methods may be called at the
// same time.
type Process struct {
	Name      string // v1-2: the second process of its Set, of version v1
	Version   string
	Addresses Addresses
	PID       int
	Exited    <-chan struct{} // closed when it has been waited for

	cmd    *exec.Cmd
	output tail

	mu        sync.Mutex
	signalled time.Time
	ended     time.Time
	overdue   bool // SIGTERM alone did not help in time
	killer    *time.Timer
}

// State is what has become of a process.
type State struct {
	Signalled bool          // SIGTERM was sent while it ran
	Killed    bool          // it had not exited in time after SIGTERM
	Status    string        // "exit status 0", "signal: killed"; empty while it runs
	Took      time.Duration // from SIGTERM to exit; 0 without one of the two
}

// prepare adds to the user's command what a Set needs.
func (p *Process) prepare() {
	if p.cmd.Stdout == nil {
		p.cmd.Stdout = &p.output
	}
	if p.cmd.Stderr == nil {
		p.cmd.Stderr = &p.output
	}
	if p.cmd.WaitDelay == 0 {
		p.cmd.WaitDelay = time.Second // for a grandchild that holds on to the output
	}
	isolate(p.cmd)
}

// Terminate sends SIGTERM, and SIGKILL if that has not helped after the time.
// A process that has exited by itself gets none, and stays unsignalled.
func (p *Process) Terminate(killAfter time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	switch {
	case errors.Is(err, os.ErrProcessDone):
		return nil
	case err != nil:
		return fmt.Errorf("SIGTERM to %s: %w", p.Name, err)
	}
	p.signalled = now
	p.killer = time.AfterFunc(killAfter, func() { p.kill(true) })
	return nil
}

func (p *Process) kill(overdue bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended.IsZero() {
		p.overdue = p.overdue || overdue
		killTree(p.cmd)
	}
}

// wait reaps the process, and what it may have left behind in its group.
func (p *Process) wait() {
	_ = p.cmd.Wait() // its status is kept in cmd.ProcessState
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = time.Now()
	if p.killer != nil {
		p.killer.Stop()
	}
	killTree(p.cmd)
}

// Failed is the error that what makes of this process, with its last words.
func (p *Process) Failed(what string) error {
	if output := p.output.String(); output != "" {
		return fmt.Errorf("%s %s; its last output:\n%s", p.Name, what, output)
	}
	return fmt.Errorf("%s %s; it wrote nothing", p.Name, what)
}

// State says what has become of the process until now.
func (p *Process) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := State{Signalled: !p.signalled.IsZero(), Killed: p.overdue}
	if p.ended.IsZero() {
		return s
	}
	s.Status = p.cmd.ProcessState.String()
	if s.Signalled {
		s.Took = p.ended.Sub(p.signalled)
	}
	return s
}
