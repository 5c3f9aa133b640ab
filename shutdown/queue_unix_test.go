//go:build unix

package shutdown_test

import (
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
)

// listenWith is a listener whose queue is short enough to be filled.
func listenWith(t *testing.T, backlog, port int, options ...int) net.Listener {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	syscall.CloseOnExec(fd)
	file := os.NewFile(uintptr(fd), "listener")
	defer func() { require.NoError(t, file.Close()) }() // the listener has its own
	for _, option := range options {
		require.NoError(t, syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, option, 1))
	}
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}))
	require.NoError(t, syscall.Listen(fd, backlog))
	l, err := net.FileListener(file)
	require.NoError(t, err)
	return l
}

// gate is a server whose accept loop stands still after its first connection.
type gate struct {
	*running
	opened  *client
	waiting []*client // in the kernel's queue
	open    chan struct{}
}

func gated(t *testing.T, l net.Listener) *gate {
	t.Helper()
	first, open := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := serve(t, &http.Server{
		Handler: http.HandlerFunc(hello),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew { // on the goroutine that accepts
				once.Do(func() { close(first); <-open })
			}
		},
	}, shutdown.Config{Listener: l, LingerMax: -1})
	g := &gate{running: s, opened: s.dial(), open: open}
	<-first
	return g
}

// queue opens connections that nobody accepts, each with a request, until it has n
// or nobody gets in any more.
func (g *gate) queue(n int) {
	g.t.Helper()
	for len(g.waiting) < n {
		c, err := net.DialTimeout("tcp", g.Addr().String(), 200*time.Millisecond)
		if err != nil {
			return
		}
		g.waiting = append(g.waiting, newClient(g.t, c))
	}
}

// drain stops the server, and requires that who was in the queue is answered.
func (g *gate) drain() {
	g.t.Helper()
	for _, c := range append(g.waiting, g.opened) {
		c.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	}
	done := g.shutdownInBackground()
	g.draining()
	close(g.open)
	for i, c := range append(g.waiting, g.opened) {
		require.Equal(g.t, "200 hello, close", c.answer(), "connection %d", i)
		c.gone()
	}
	require.NoError(g.t, <-done)
	require.NoError(g.t, <-g.served)
}

// draining waits until Shutdown has begun.
func (g *gate) draining() {
	g.t.Helper()
	require.Eventually(g.t, func() bool {
		return errors.Is(g.Listen(g.t.Context()), shutdown.ErrStopped)
	}, 5*time.Second, time.Millisecond)
}

func (g *gate) port() int {
	_, port, err := net.SplitHostPort(g.Addr().String())
	require.NoError(g.t, err)
	n, err := strconv.Atoi(port)
	require.NoError(g.t, err)
	return n
}

// A listener that closes resets who is in its queue, and believes to be connected.
func TestTheAcceptQueueIsServedBeforeTheListenerCloses(t *testing.T) {
	const backlog = 20
	g := gated(t, listenWith(t, backlog, 0))
	g.queue(10 * backlog)
	require.GreaterOrEqual(t, len(g.waiting), backlog/2)
	require.Less(t, len(g.waiting), 10*backlog, "the queue has no end")
	g.drain()
}
