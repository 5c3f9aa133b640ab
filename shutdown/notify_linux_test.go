package shutdown_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startFirst starts the child as PID 1 of a namespace of its own, as in a
// container without an init.
func startFirst(t *testing.T, changes ...func(*exec.Cmd)) *child {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	try := exec.CommandContext(t.Context(), "/bin/sh", "-c", "test $$ -eq 1")
	try.SysProcAttr = attr
	if err := try.Run(); err != nil {
		const how = "no PID namespace to be first in (run as root, or sysctl kernel.unprivileged_userns_clone=1): %v"
		if os.Getenv("CI") == "true" {
			t.Fatalf(how, err)
		}
		t.Skipf(how, err)
	}
	return startChildWith(t, func(cmd *exec.Cmd) {
		cmd.SysProcAttr = attr
		for _, change := range changes {
			change(cmd)
		}
	})
}

func TestPID1StopsInOrder(t *testing.T) {
	t.Parallel()
	c := startFirst(t)
	c.signal(syscall.SIGTERM)
	require.Equal(t, "terminated signal received, haste false", c.line())
	require.Equal(t, "exit status 0", c.wait())
}

// A shell that is PID 1 ignores SIGTERM, and what it has started never hears of it:
// in a container the program has to be the first itself (ENTRYPOINT ["/app"]), or
// to be started by exec.
func TestAShellAsPID1KeepsTheSignalUnlessItExecs(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		heard  bool
	}{
		"a command among others": {script: `"$0"; true`, heard: false},
		"exec":                   {script: `true; exec "$0"`, heard: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startFirst(t, func(cmd *exec.Cmd) {
				cmd.Args = []string{"sh", "-c", tc.script, cmd.Path}
				cmd.Path = "/bin/sh"
			})
			c.signal(syscall.SIGTERM)
			if tc.heard {
				require.Equal(t, "terminated signal received, haste false", c.line())
				require.Equal(t, "exit status 0", c.wait())
				return
			}
			<-time.After(500 * time.Millisecond) // a real one: the child is a process
			c.signal(syscall.SIGKILL)            // which is how the platform ends it
			require.False(t, c.lines.Scan(), "it has heard of the signal")
			require.Equal(t, "signal: killed", c.wait())
		})
	}
}

// Nothing with its default action is delivered to PID 1, so a signal does not kill
// it, and a Go program that tries exits with 2.
func TestPID1DiesOfALaterCtrlC(t *testing.T) {
	t.Parallel()
	c := startFirst(t)
	c.signal(syscall.SIGTERM)
	c.line()
	<-time.After(1100 * time.Millisecond) // a real second: the child is a process
	c.signal(os.Interrupt)
	require.Equal(t, "exit status 130", c.dies())
}
