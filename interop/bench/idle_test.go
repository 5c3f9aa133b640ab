//go:build unix && !race

package bench_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const idleConnections = 10_000

// BenchmarkIdle stops a server with 10,000 connections of which each has had one
// request, and tells the server's processor time from the signal until all are
// closed, and how many it closed within 100 ms.
//
//	net-http       http.Server.Shutdown: all of them at once
//	paced          closes 10 every 4 ms and does nothing else: what the closing
//	               itself costs if it shall not be a burst
//	handover       Server.Shutdown; %-core is its processor time in that of the
//	               stop, less what paced needs for the closing
//	handover-soon  the same, when they have been silent for too short a time to be
//	               closed at once; %-core-waiting is until the first one is
func BenchmarkIdle(b *testing.B) {
	var limit syscall.Rlimit
	require.NoError(b, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	if limit.Cur < idleConnections+100 {
		if os.Getenv("CI") == "true" {
			b.Fatalf("%d file descriptors are too few", limit.Cur)
		}
		b.Skipf("%d file descriptors are too few: ulimit -n 20000", limit.Cur)
	}
	var closing time.Duration
	for _, way := range []struct {
		name, how string
		silent    time.Duration
	}{
		{"net-http", "net-http", 2 * time.Second},
		{"paced", "paced", 2 * time.Second},
		{"handover", "handover", 6 * time.Second},
		{"handover-soon", "handover", 2 * time.Second},
	} {
		b.Run(way.name, func(b *testing.B) {
			var cpu, took, firstCPU, first time.Duration
			burst := 0
			for b.Loop() {
				stop := stopIdle(b, way.how, way.silent)
				require.Len(b, stop.Closed, idleConnections)
				cpu, took = cpu+stop.CPU, took+stop.Took
				firstCPU, first = firstCPU+stop.FirstCPU, first+slices.Min(stop.Closed)
				burst = max(burst, mostWithin(100*time.Millisecond, stop.Closed))
			}
			b.ReportMetric(0, "ns/op") // mostly the opening
			b.ReportMetric(float64(cpu.Microseconds())/1000/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(took.Microseconds())/1000/float64(b.N), "stop-ms/op")
			b.ReportMetric(float64(burst), "closed/100ms")
			switch {
			case way.how == "paced":
				closing = cpu / time.Duration(b.N)
			case way.how == "handover" && closing > 0:
				b.ReportMetric(100*float64(cpu-closing*time.Duration(b.N))/float64(took), "%-core")
			}
			if way.how == "handover" && first > time.Duration(b.N)*time.Second {
				b.ReportMetric(100*float64(firstCPU)/float64(first), "%-core-waiting")
			}
		})
	}
}

// mostWithin is the largest number of moments within such a time.
func mostWithin(window time.Duration, moments []time.Duration) int {
	moments = slices.Sorted(slices.Values(moments))
	most, first := 0, 0
	for last := range moments {
		for moments[last]-moments[first] >= window {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}

func stopIdle(b *testing.B, how string, silence time.Duration) (stop idleStop) {
	b.Helper()
	self, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serveIdle+"="+how)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	defer func() { _ = cmd.Process.Kill() }() // it has ended if all is well
	out := bufio.NewReader(pipe)
	addr, err := out.ReadString('\n')
	require.NoError(b, err)

	gone := connectIdle(b, strings.TrimSpace(addr))
	silent := time.NewTimer(silence)
	defer silent.Stop()
	<-silent.C
	require.NoError(b, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(b, json.NewDecoder(out).Decode(&stop))
	require.NoError(b, cmd.Wait())
	gone.Wait()
	return stop
}

// connectIdle opens the connections, sends a request on each, and waits for each
// to be closed.
func connectIdle(b *testing.B, addr string) (gone *sync.WaitGroup) {
	b.Helper()
	gone = new(sync.WaitGroup)
	var opening sync.WaitGroup
	failed := make(chan error, 1)
	for range 20 {
		opening.Go(func() {
			for range idleConnections / 20 {
				c, err := net.Dial("tcp", addr)
				if err == nil {
					err = use(c)
				}
				if err != nil {
					select {
					case failed <- err:
					default: // one is enough
					}
					return
				}
				gone.Go(func() {
					_, _ = c.Read(make([]byte, 1)) // until the server closes
					_ = c.Close()                  // twice, as it were
				})
			}
		})
	}
	opening.Wait()
	select {
	case err := <-failed:
		b.Fatal(err)
	default:
	}
	return gone
}

// use reads the answer without a buffer that would live as long as c.
func use(c net.Conn) error {
	if _, err := io.WriteString(c, "HEAD / HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	_, err := c.Read(answer) // an answer to HEAD is one write
	return err
}
