//go:build unix

package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Process is one that runs, or has run.
type Process struct {
	name   string
	cmd    *exec.Cmd
	alive  *os.File
	output tail

	exited chan struct{}
	ended  time.Time // readable once exited is closed
}

// guard kills its process group when the pipe that it reads ends: because the
// process has ended, or the program that has started it. Without it nginx's
// workers would outlive a test that is killed.
const guard = `(read _ <&3; kill -9 0) >/dev/null 2>&1 & exec "$0" "$@" 3<&-`

// Start starts a program in a process group of its own.
func Start(path string, args ...string) (*Process, error) {
	watched, alive, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", guard, path}, args...)...)
	p := &Process{name: path, cmd: cmd, alive: alive, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	cmd.WaitDelay = time.Second // for a grandchild that holds on to the output
	cmd.ExtraFiles = []*os.File{watched}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	_ = watched.Close() // the child has its own
	if err != nil {
		_ = alive.Close()
		return nil, fmt.Errorf("fleet: start %s: %w", path, err)
	}
	go p.wait()
	return p, nil
}

func (p *Process) wait() {
	_ = p.cmd.Wait() // State tells how it ended
	p.ended = time.Now()
	_ = p.alive.Close()
	close(p.exited)
}

// Exited is closed when it has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Output is the end of what it has written.
func (p *Process) Output() string { return p.output.String() }

// State says how it has ended: "exit status 0", "signal: killed".
func (p *Process) State() string {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.String()
	default:
		return "running"
	}
}

// Ended is when it did, once Exited is closed.
func (p *Process) Ended() time.Time {
	<-p.exited
	return p.ended
}

// Signal sends one to the process itself.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends its group, and waits.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	<-p.exited
}

// Await returns when ready says so, or with an error when the process has ended
// or ctx has.
func (p *Process) Await(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("it does not get ready"))
	defer cancel()
	for !ready() {
		select {
		case <-p.exited:
			return fmt.Errorf("fleet: %s: %s\n%s", p.name, p.State(), p.Output())
		case <-ctx.Done():
			return fmt.Errorf("fleet: %s: %w\n%s", p.name, context.Cause(ctx), p.Output())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailSize = 8 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(b)
	if over := t.buf.Len() - tailSize; over > 0 {
		t.buf.Next(over)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
