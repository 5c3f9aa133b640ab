//go:build unix && !race

package bench_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkExit measures the time from SIGTERM to the exit of each program of the
// torture, with nothing in flight and one request long answered. It says nothing
// of losses: most of those who are fast close their listener at once.
func BenchmarkExit(b *testing.B) {
	dir := b.TempDir()
	for _, module := range []string{"../torture/service", "../torture/peers"} {
		build := exec.CommandContext(b.Context(), "go", "build", "-o", dir+string(filepath.Separator), "./...")
		build.Dir = module
		build.Env = append(os.Environ(), "GOWORK=off")
		out, err := build.CombinedOutput()
		require.NoError(b, err, "%s", out)
	}
	programs, err := os.ReadDir(dir)
	require.NoError(b, err)
	require.NotEmpty(b, programs)
	for _, program := range programs {
		b.Run(program.Name(), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				took = append(took, exitTime(b, filepath.Join(dir, program.Name())))
			}
			slices.Sort(took)
			b.ReportMetric(0, "ns/op") // mostly the start
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-exit")
		})
	}
}

func exitTime(b *testing.B, path string) time.Duration {
	b.Helper()
	addr, admin := freeAddress(b), freeAddress(b)
	cmd := exec.Command(path, "-addr", addr, "-admin", admin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(b, cmd.Start())
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state says how it ended
		close(exited)
	}()
	defer func() {
		_ = cmd.Process.Kill() // it has ended if all is well
		<-exited
	}()
	answers := func(url string) func() bool {
		return func() bool {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
			require.NoError(b, err)
			r.Close = true
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				return false
			}
			return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
		}
	}
	require.Eventually(b, answers("http://"+admin+"/readyz"), 20*time.Second, 20*time.Millisecond)
	require.Eventually(b, answers("http://"+addr+"/?id=1"), 20*time.Second, 20*time.Millisecond)
	settle := time.NewTimer(time.Second)
	defer settle.Stop()
	<-settle.C

	began := time.Now()
	require.NoError(b, cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-exited:
	case <-time.After(40 * time.Second):
		b.Fatal(path, "does not exit")
	}
	took := time.Since(began)
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.ExitStatus() != 0 && !status.Signaled() {
		b.Fatal(path, status.ExitStatus())
	}
	return took
}

func freeAddress(b *testing.B) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	require.NoError(b, ln.Close())
	return fmt.Sprint(ln.Addr())
}
