package installed_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Only Linux ends the children of a process that was killed. nginx has some of its own.
func TestABalancerEndsWithWhoHasStartedIt(t *testing.T) {
	for name, least := range map[string]int{"nginx": 2, "haproxy": 1} {
		t.Run(name, func(t *testing.T) {
			needs(t, name)
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), runs+"="+name, "DIR="+t.TempDir())
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "it runs\n", line)
			all := descendantsOf(t, cmd.Process.Pid)
			require.GreaterOrEqual(t, len(all), least)
			require.NoError(t, cmd.Process.Kill())
			require.Error(t, cmd.Wait())
			for _, pid := range all {
				require.Eventually(t, func() bool { return isGone(pid) }, 10*time.Second, 10*time.Millisecond, "process %d is left", pid)
			}
		})
	}
}

func descendantsOf(t *testing.T, pid int) (all []int) {
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
			all = append(append(all, child), descendantsOf(t, child)...)
		}
	}
	return all
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
