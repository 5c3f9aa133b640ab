//go:build unix

package shutdown_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
)

// filesChild serves with few file descriptors until its standard input ends, and
// says how it stopped.
func filesChild() {
	const few = 40
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: few, Max: few}); err != nil {
		fmt.Println(err)
		return
	}
	stopped := make(chan struct{})
	s := shutdown.HTTP(&http.Server{Addr: "127.0.0.1:0", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-stopped
		}
		hello(w, r)
	})}, shutdown.Config{})
	ctx := context.Background()
	if err := s.Listen(ctx); err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	fmt.Println(s.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	time.AfterFunc(time.Second, func() { close(stopped) })
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	fmt.Println(s.Shutdown(ctx), <-served, s.Report().Ended < 8*time.Second)
}

// Accept fails for want of a file, and net/http waits before it tries again; that
// must neither hold the stop nor lose a request that is in flight.

func TestAStopWithoutFileDescriptorsForAcceptIsBounded(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "HANDOVER_TEST_FILES=1")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	require.True(t, lines.Scan())
	dial := func() *client {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", lines.Text())
		require.NoError(t, err)
		return newClient(t, c)
	}
	c := dial()
	c.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n")
	for range 20 { // which come and go: traffic, so there is a linger
		visit := dial()
		require.Equal(t, "200 hello", visit.get("/"))
		require.NoError(t, visit.Close())
	}
	for range 60 { // more than the server can accept
		waiting := dial()
		defer func() { _ = waiting.Close() }()
	}
	require.NoError(t, stdin.Close())
	require.Equal(t, "200 hello, close", c.answer())
	c.gone()
	require.True(t, lines.Scan())
	require.Equal(t, "<nil> <nil> true", lines.Text())
	require.NoError(t, cmd.Wait())
}
