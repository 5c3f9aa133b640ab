package droptest_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// The processes hold the harness's output open. It ends when the last of them
// has, which nobody but the kernel can see to.
func TestWhenTheTestItselfIsKilledItsProcessesDieToo(t *testing.T) {
	t.Parallel()
	harness := exec.Command(os.Args[0])
	harness.Env = append(os.Environ(), envHarness+"=1")
	output, err := harness.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, harness.Start())
	lines := bufio.NewReader(output)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "under load\n", line)

	require.NoError(t, harness.Process.Kill())
	_, err = io.Copy(io.Discard, lines)
	require.NoError(t, err)
	require.EqualError(t, harness.Wait(), "signal: killed")
}
