package process_test

import (
	"bufio"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/droptest/internal/process"
)

// The child holds its parent's output open, which ends when the child has.
func TestWhatAProcessHasStartedDiesWithIt(t *testing.T) {
	set := process.New(1, false)
	defer set.End()
	p, output := started(t, set, parent)
	require.NoError(t, p.Terminate(time.Hour))
	requireSilence(t, output)
	<-p.Exited
	require.Equal(t, "exit status 0", p.State().Status)
}

// The process holds the output of the program that started it open. It ends when
// the process has, which nobody but the kernel can see to.
func TestWhenTheTestItselfIsKilledItsProcessesDieToo(t *testing.T) {
	program := self(starter)
	stdout, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	output := bufio.NewReader(stdout)
	line, err := output.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "running\n", line)

	require.NoError(t, program.Process.Kill())
	requireSilence(t, output)
	require.EqualError(t, program.Wait(), "signal: killed")
}

// requireSilence waits until nobody holds the output open any more.
func requireSilence(t *testing.T, output io.Reader) {
	t.Helper()
	_, err := io.Copy(io.Discard, output)
	require.NoError(t, err)
}
