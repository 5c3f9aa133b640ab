//go:build unix

package change_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A process is stopped (SIGSTOP) with a transaction open, and wakes when it has been
// counted out and the change has moved on. It finds out by itself, and rolls back.
func TestAProcessThatWasStoppedDoesNotCommit(t *testing.T) {
	url := pg.Database(t)
	pool := database(t, url)
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), envChild+"="+url, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	command.Stderr = os.Stderr
	orders, err := command.StdinPipe()
	require.NoError(t, err)
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	says := bufio.NewScanner(out)
	require.True(t, says.Scan())
	require.Equal(t, "written", says.Text())

	require.NoError(t, command.Process.Signal(syscall.SIGSTOP))
	eventually(t, func() bool {
		return query(t, pool, "SELECT expires_at < clock_timestamp() FROM handover.change_instances") == "true"
	})
	execute(t, pool, "DELETE FROM handover.change_instances; "+moves(1))
	_, err = fmt.Fprintln(orders, "go on")
	require.NoError(t, err)
	require.NoError(t, command.Process.Signal(syscall.SIGCONT))

	require.True(t, says.Scan())
	require.Contains(t, says.Text(), "fenced: true error: change: users-name: fenced")
	require.False(t, says.Scan(), says.Text())
	require.NoError(t, command.Wait())
	require.Equal(t, "1 Ada <nil>", query(t, pool, "SELECT * FROM users"))
}
