package droptest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// outputKept of a process's last output is shown when it fails.
const outputKept = 4 << 10

// process is one running copy of a version.
type process struct {
	name, version string
	addresses     Addresses
	cmd           *exec.Cmd
	output        tail
	replaced      bool          // a new version took its place, under load
	exited        chan struct{} // closed when the process has been waited for

	mu        sync.Mutex
	signalled time.Time
	ended     time.Time
	overdue   bool // SIGTERM alone did not help in time
	killer    *time.Timer
}

// prepare adds to the user's command what the fleet needs.
func (p *process) prepare() {
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

// terminate sends SIGTERM, and SIGKILL if that has not helped after the time.
// A process that has exited by itself gets none, and stays unsignalled.
func (p *process) terminate(killAfter time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	switch {
	case errors.Is(err, os.ErrProcessDone):
		return nil
	case err != nil:
		return fmt.Errorf("SIGTERM to %s: %w", p.name, err)
	}
	p.signalled = now
	p.killer = time.AfterFunc(killAfter, func() { p.kill(true) })
	return nil
}

func (p *process) kill(overdue bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended.IsZero() {
		p.overdue = p.overdue || overdue
		killTree(p.cmd)
	}
}

// wait reaps the process, and what it may have left behind in its group.
func (p *process) wait() {
	_ = p.cmd.Wait() // its status is kept in cmd.ProcessState
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = time.Now()
	if p.killer != nil {
		p.killer.Stop()
	}
	killTree(p.cmd)
}

// failed is the error that what makes of this process, with its last words.
func (p *process) failed(what string) error {
	if output := p.output.String(); output != "" {
		return fmt.Errorf("%s %s; its last output:\n%s", p.name, what, output)
	}
	return fmt.Errorf("%s %s; it wrote nothing", p.name, what)
}

// report describes the process as it is now.
func (p *process) report() Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	report := Process{Name: p.name, Version: p.version, PID: p.cmd.Process.Pid, Replaced: p.replaced, Killed: p.overdue}
	if p.ended.IsZero() {
		return report
	}
	report.Status = p.cmd.ProcessState.String()
	if !p.signalled.IsZero() {
		report.ExitMS = milliseconds(p.ended.Sub(p.signalled))
	}
	return report
}

func (p *process) wasSignalled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.signalled.IsZero()
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	t.kept = t.kept[max(0, len(t.kept)-outputKept):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.kept))
}
