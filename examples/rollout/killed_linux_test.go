package main_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Only Linux ends the children of a process that was killed.
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
