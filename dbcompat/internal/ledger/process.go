package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
)

// A Process is the test binary, once more.
type Process struct {
	Ended chan struct{} // all that it has said has been noted

	command *exec.Cmd
	orders  io.WriteCloser
	killed  atomic.Bool
}

// Start has note hear what the process says, to the last line. It finds the spec, as JSON,
// in the environment. That it ends by itself with a failure is a fault. Kill it at the end.
func Start(name string, spec any, note func(line string)) (*Process, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	p := &Process{command: exec.Command(os.Args[0]), Ended: make(chan struct{})}
	// The race detector lets a process linger for a second at its end.
	p.command.Env = append(os.Environ(), envSpec+"="+string(text), "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	var trouble bytes.Buffer
	p.command.Stderr = &trouble
	if p.orders, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.Ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			note(lines.Text())
		}
		if err := p.command.Wait(); err != nil && !p.killed.Load() {
			note(fmt.Sprintf("fault %s: %s: %v: %s", Mistaken, name, err, &trouble))
		}
	}()
	return p, nil
}

// envSpec makes the test binary one of the processes.
const envSpec = "LEDGER_PROCESS"

// Child has a TestMain find out whether it is to be such a process, and what it was told.
// If so, it runs it, and ends.
func Child[Spec any](run func(Spec) error) {
	text, ok := os.LookupEnv(envSpec)
	if !ok {
		return
	}
	var s Spec
	err := json.Unmarshal([]byte(text), &s)
	if err == nil {
		err = run(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Tell gives an order. Who has been killed does not hear it.
func (p *Process) Tell(order any) { _, _ = fmt.Fprintln(p.orders, order) }

// Signal is for SIGSTOP and SIGCONT.
func (p *Process) Signal(s os.Signal) error { return p.command.Process.Signal(s) }

// Kill is kill -9, and the wait for the end.
func (p *Process) Kill() {
	p.killed.Store(true)
	_ = p.command.Process.Kill() // it may have ended
	<-p.Ended
}

// End lets processes come to their end: all transactions that have begun.
func End(all ...*Process) {
	for _, p := range all {
		_ = p.orders.Close()
	}
	for _, p := range all {
		<-p.Ended
	}
}
