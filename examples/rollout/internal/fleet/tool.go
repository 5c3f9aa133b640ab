package fleet

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Tool is a program of somebody else, such as a balancer. It may have processes of its own,
// which it ends at SIGTERM. Its methods may be called at the same time.
type Tool struct {
	Exited <-chan struct{} // closed when it has been waited for

	cmd   *exec.Cmd
	words tail
}

// Tool runs a program for as long as the fleet lives. It is a file.
func (f *Fleet) Tool(program string, args ...string) (*Tool, error) {
	exited := make(chan struct{})
	t := &Tool{Exited: exited, cmd: exec.Command(program, args...)}
	t.cmd.Stdout, t.cmd.Stderr = &t.words, &t.words
	t.cmd.WaitDelay = time.Second
	isolate(t.cmd, syscall.SIGTERM) // SIGKILL would leave nginx's workers
	if err := f.run(t.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	f.tools = append(f.tools, t)
	f.running.Go(func() {
		_ = t.cmd.Wait() // Failed tells how it ended
		close(exited)
	})
	return t, nil
}

// Signal sends a signal. One that has ended gets none.
func (t *Tool) Signal(s syscall.Signal) {
	_ = t.cmd.Process.Signal(s) // it has just ended, or gets it
}

// Failed is an error with its last words.
func (t *Tool) Failed(what string) error {
	return fmt.Errorf("%s %s; its last output:\n%s", t.cmd.Path, what, t.words.String())
}

// patience is for a tool that has been told to end.
const patience = 5 * time.Second

// End ends it and its processes, and waits for it.
func (t *Tool) End() {
	t.Signal(syscall.SIGTERM)
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-t.Exited:
	case <-late.C:
		killAll(t.cmd)
		<-t.Exited
	}
}
