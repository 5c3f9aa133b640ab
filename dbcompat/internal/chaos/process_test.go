package chaos_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A process is the test binary, once more.
type process struct {
	spec
	command *exec.Cmd
	orders  io.WriteCloser
	killed  atomic.Bool
	ended   chan struct{} // all that it has said is in the ledger
}

// start has the ledger hear what the process says, to the last line. That it ends by
// itself with a failure is a fault.
func start(t testing.TB, l *ledger, s spec) *process {
	t.Helper()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	p := &process{spec: s, command: exec.Command(os.Args[0]), ended: make(chan struct{})}
	// The race detector lets a process linger for a second at its end.
	p.command.Env = append(os.Environ(), envSpec+"="+string(text), "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	var trouble bytes.Buffer
	p.command.Stderr = &trouble
	p.orders, err = p.command.StdinPipe()
	require.NoError(t, err)
	out, err := p.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.command.Start())
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			l.note(s.Worker, lines.Text())
		}
		if err := p.command.Wait(); err != nil && !p.killed.Load() {
			l.note(s.Worker, fmt.Sprintf("fault %s: %s: %v: %s", mistaken, s.Name, err, &trouble))
		}
	}()
	t.Cleanup(p.kill)
	return p
}

// tell gives an order. Who has been killed does not hear it.
func (p *process) tell(order any) { _, _ = fmt.Fprintln(p.orders, order) }

// kill is kill -9, and the wait for the end.
func (p *process) kill() {
	p.killed.Store(true)
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
}

// end lets workers come to their end: all transactions that have begun.
func end(all ...*process) {
	for _, p := range all {
		_ = p.orders.Close()
	}
	for _, p := range all {
		<-p.ended
	}
}
