//go:build unix

package pgtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/internal/pgtest"
)

// envFile names the file in which a process says where its server is.
const envFile = "PGTEST_TEST_FILE"

// A test binary that runs into its time-out, that somebody kills, that panics: none of
// them cleans up. Two of them run at once, beside this one.
func TestNoServerOutlivesItsProcess(t *testing.T) {
	if file := os.Getenv(envFile); file != "" {
		dir := directory(t, pgtest.New(pgtest.Config{}).For(t))
		require.NoError(t, os.WriteFile(file+".new", []byte(dir), 0o600))
		require.NoError(t, os.Rename(file+".new", file))
		select {} // until it is killed
	}
	installed(t)
	tests := map[string]syscall.Signal{"that is killed": syscall.SIGKILL, "that go test gives up": syscall.SIGQUIT}
	for name, signal := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "dir")
			process := exec.Command(os.Args[0], "-test.run", "^TestNoServerOutlivesItsProcess$")
			process.Env = append(os.Environ(), envFile+"="+file)
			require.NoError(t, process.Start())
			var dir string
			require.Eventually(t, func() bool {
				text, err := os.ReadFile(file)
				dir = string(text)
				return err == nil
			}, time.Minute, 5*time.Millisecond)
			text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
			require.NoError(t, err)
			pid, _, _ := strings.Cut(string(text), "\n")
			require.NoError(t, exec.Command("ps", "-p", pid).Run(), "it runs")

			require.NoError(t, process.Process.Signal(signal))
			require.Error(t, process.Wait())
			require.Eventually(t, func() bool { return gone(pid) }, time.Minute, 5*time.Millisecond)
			require.Eventually(t, func() bool {
				_, err := os.Stat(dir)
				return os.IsNotExist(err)
			}, time.Minute, 5*time.Millisecond)
		})
	}
}

// gone is also what has ended and has nobody to wait for it, as in a container
// without an init.
func gone(pid string) bool {
	state, err := exec.Command("ps", "-o", "stat=", "-p", pid).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}
