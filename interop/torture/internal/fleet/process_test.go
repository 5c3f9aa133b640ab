//go:build unix

package fleet_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/interop/torture/internal/fleet"
)

// parent is a shell with a child; both write their number into a file.
func parent(t *testing.T) (p *fleet.Process, pids func() []int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pids")
	p, err := fleet.Start("/bin/sh", "-c", `sleep 1000 & echo $! $$ >"$0"; wait`, file)
	require.NoError(t, err)
	pids = func() []int {
		text, _ := os.ReadFile(file)
		var all []int
		for field := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(field)
			require.NoError(t, err)
			all = append(all, pid)
		}
		return all
	}
	require.NoError(t, p.Await(t.Context(), func() bool { return len(pids()) == 2 }))
	return p, pids
}

func requireGone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		require.Eventually(t, func() bool { return gone(pid) }, 5*time.Second, 5*time.Millisecond, "process %d is left", pid)
	}
}

// gone is also what has ended and has nobody to wait for it, as in a container
// without an init.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return true
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}

func TestKillLeavesNothing(t *testing.T) {
	p, pids := parent(t)
	require.Equal(t, "running", p.State())
	p.Kill()
	require.Equal(t, "signal: killed", p.State())
	requireGone(t, pids())
	p.Kill() // twice is legal
}

func TestWhatAProcessLeavesBehindEndsWithIt(t *testing.T) {
	p, pids := parent(t)
	require.NoError(t, syscall.Kill(pids()[1], syscall.SIGKILL))
	<-p.Exited()
	requireGone(t, pids())
}

const envStarter = "FLEET_TEST_STARTER"

func TestWhatAKilledProgramHasStartedEndsWithIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	if os.Getenv(envStarter) != "" {
		p, pids := parent(t)
		require.NoError(t, os.WriteFile(os.Getenv(envStarter), []byte(strconv.Itoa(pids()[0])), 0o600))
		<-p.Exited()
		return
	}
	starter := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	starter.Env = append(os.Environ(), envStarter+"="+file)
	require.NoError(t, starter.Start())
	var pid int
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(file)
		var err error
		pid, err = strconv.Atoi(string(text))
		return err == nil
	}, 20*time.Second, 5*time.Millisecond)
	require.NoError(t, starter.Process.Kill())
	_ = starter.Wait()
	requireGone(t, []int{pid})
}

func TestASignalReachesTheProgramItself(t *testing.T) {
	p, err := fleet.Start("/bin/sh", "-c", `trap 'echo told; exit 3' TERM; echo ready; while :; do sleep 0.01; done`)
	require.NoError(t, err)
	require.NoError(t, p.Await(t.Context(), func() bool { return p.Output() == "ready\n" }))
	require.NoError(t, p.Signal(syscall.SIGTERM))
	<-p.Exited()
	require.Equal(t, "exit status 3", p.State())
	require.Equal(t, "ready\ntold\n", p.Output())
	require.Error(t, p.Signal(syscall.SIGTERM))
}

func TestAProgramThatEndsDoesNotGetReady(t *testing.T) {
	p, err := fleet.Start("/bin/sh", "-c", "echo no database >&2; exit 3")
	require.NoError(t, err)
	err = p.Await(t.Context(), func() bool { return false })
	require.ErrorContains(t, err, "exit status 3\nno database")
}
