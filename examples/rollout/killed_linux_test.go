package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Only Linux ends the children of a process that was killed. That a balancer ends as well
// is among the tests of package installed.
func TestEvenAKilledRolloutLeavesNoProcess(t *testing.T) {
	t.Parallel()
	cmd, rest := started(t)
	children := childrenOf(t, cmd.Process.Pid)
	require.GreaterOrEqual(t, len(children), 4)
	require.NoError(t, cmd.Process.Kill())
	_, err := io.Copy(io.Discard, rest)
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	for _, pid := range children {
		require.Eventually(t, func() bool { return isGone(pid) }, 5*time.Second, 10*time.Millisecond, "process %d is left", pid)
	}
}

// A process that ends by itself ends the deployment, and nothing waits for ever.
func TestAProcessThatEndsByItselfEndsTheDeployment(t *testing.T) {
	needsPostgres(t)
	t.Parallel()
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("it does not end"))
	defer cancel()
	cmd, rest := startedAt(ctx, t, "-- blue has", "-strategy", "bluegreen", "-quick", "-json", "-rate", "40", "-program", complete)
	for _, pid := range childrenOf(t, cmd.Process.Pid) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.HasPrefix(string(line), complete+"\x00") {
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			break
		}
	}
	out, err := io.ReadAll(rest)
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	require.NotEmpty(t, lastLine(t, out).Processes)
}

func childrenOf(t *testing.T, pid int) (children []int) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			require.ErrorIs(t, err, os.ErrNotExist) // a thread that has ended
			continue
		}
		for field := range strings.FieldsSeq(string(text)) {
			var child int
			_, err := fmt.Sscan(field, &child)
			require.NoError(t, err)
			children = append(children, child)
		}
	}
	return children
}

// isGone counts a zombie as gone: whoever inherited it has not looked yet.
func isGone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}
