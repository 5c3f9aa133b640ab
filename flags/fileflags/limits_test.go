package fileflags_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/fileflags"
)

func TestLoadDoesNotHangOnANamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	_, err := fileflags.New(path, fileflags.Config{}).Load(t.Context())
	require.EqualError(t, err, "fileflags: load "+path+": it is no regular file (prw-------)")
}

func TestWatchIsNotDeafToANamedPipeThatBecomesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	w := watch(t, path, fileflags.Config{Settle: -1})
	remove(t, path)
	write(t, path, "{}")
	w.await(t, "{}")
}

// limitsChild watches the working directory's flags.json, with three open files.
func limitsChild() {
	few := syscall.Rlimit{Cur: 3, Max: 3}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		fmt.Println(err)
		return
	}
	news := 0
	err := fileflags.New("flags.json", fileflags.Config{}).Watch(context.Background(), func() { news++ })
	fmt.Printf("%d %v", news, err)
}

func TestWatchWithoutAWatchToBeHadReturnsAnError(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HANDOVER_TEST_LIMITS=1", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err)
	require.Regexp(t, "^1 fileflags: watch flags.json: .*too many open files$", string(out))
}
