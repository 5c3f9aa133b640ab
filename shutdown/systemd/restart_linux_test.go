package systemd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/systemd"
)

const (
	restarts = 5
	takes    = 20 * time.Millisecond // each request
	pace     = 10 * time.Millisecond // of each client
)

// serve is a service under systemd; its responses say which process it is. The
// careless one exits at the signal.
func serve(name string) {
	ctx, stop := shutdown.Notify(context.Background())
	defer stop()
	sd := systemd.New(systemd.Config{GracePeriod: 10 * time.Second})
	l, err := sd.Listener("api")
	fatal(err)
	api := shutdown.HTTP(&http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(takes)
		fmt.Fprint(w, os.Getpid())
	})}, shutdown.Config{Listener: l, LingerMax: 300 * time.Millisecond})
	fatal(api.Listen(ctx))
	served := make(chan error)
	lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	go func() { served <- api.Serve(lasting) }()
	fatal(sd.Ready(ctx))

	<-ctx.Done()
	if name == "careless" {
		os.Exit(0)
	}
	budget, cancel := context.WithTimeout(lasting, 8*time.Second)
	defer cancel()
	fatal(sd.Stopping(budget))
	fatal(api.Shutdown(budget))
	fatal(<-served)
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// systemctl stands for systemd: it holds the socket, and runs one process after
// the other.
type systemctl struct {
	t       *testing.T
	service string
	socket  *os.File
}

func (s *systemctl) start() *exec.Cmd {
	s.t.Helper()
	cmd := activated(s.t, []*os.File{s.socket}, "LISTEN_FDNAMES=api", "HANDOVER_TEST_SYSTEMD="+s.service)
	require.NoError(s.t, cmd.Start())
	return cmd
}

func (*systemctl) stop(cmd *exec.Cmd) error {
	return errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
}

// load is clients who send each request once. One has a connection of its own for
// each request; the other keeps its connection until it is told to leave it.
type load struct {
	address string
	results chan result
	end     chan struct{}
	all     sync.WaitGroup
}

type result struct {
	pid int // who answered
	err error
}

func newLoad(address string) *load {
	l := &load{address: address, results: make(chan result), end: make(chan struct{})}
	l.all.Go(func() {
		l.steadily(func() { l.all.Go(func() { l.send(nil) }) })
	})
	l.all.Go(func() {
		var kept *kept
		l.steadily(func() { kept = l.send(kept) })
		if kept != nil {
			_ = kept.Close()
		}
	})
	go func() {
		l.all.Wait()
		close(l.results)
	}()
	return l
}

func (l *load) steadily(do func()) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			do()
		case <-l.end:
			return
		}
	}
}

type kept struct {
	net.Conn
	*bufio.Reader
}

// send reports what has become of a request, and returns the connection if it may
// be used again.
func (l *load) send(on *kept) *kept {
	if on == nil {
		c, err := net.DialTimeout("tcp", l.address, 10*time.Second)
		if err != nil {
			l.results <- result{err: err}
			return nil
		}
		on = &kept{c, bufio.NewReader(c)}
	}
	pid, again, err := on.get()
	l.results <- result{pid, err}
	if !again {
		_ = on.Close()
		return nil
	}
	return on
}

func (k *kept) get() (pid int, again bool, err error) {
	_ = k.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(k.Conn, "GET / HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
		return 0, false, err
	}
	resp, err := http.ReadResponse(k.Reader, nil)
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, false, err
	}
	pid, err = strconv.Atoi(string(body))
	return pid, err == nil && !resp.Close, err
}

// tally is what the clients saw.
type tally struct {
	answered map[int]int // by process
	lost     []error
}

func (c *tally) count(r result) {
	if r.err != nil {
		c.lost = append(c.lost, r.err)
		return
	}
	c.answered[r.pid]++
}

// drive restarts the service under load. It returns what systemd was told as well.
func drive(t *testing.T, service string, restarts int) (c tally, told []string) {
	t.Helper()
	listener := tcp(t)
	d := newDiary(t, filepath.Join(t.TempDir(), "notify"))
	s := &systemctl{t, service, socket(t, listener)}
	c = tally{answered: map[int]int{}}
	process := s.start()
	l := newLoad(listener.Addr().String())
	for range restarts {
		for c.answered[process.Process.Pid] < 30 {
			c.count(<-l.results)
		}
		stopped := make(chan error)
		go func() { stopped <- s.stop(process) }()
		for running := true; running; {
			select {
			case r := <-l.results:
				c.count(r)
			case err := <-stopped:
				require.NoError(t, err)
				running = false
			}
		}
		told = append(told, d.entries()...) // now, since the queue of such a socket is short
		process = s.start()
	}
	for c.answered[process.Process.Pid] < 30 {
		c.count(<-l.results)
	}
	close(l.end)
	for r := range l.results {
		c.count(r)
	}
	require.NoError(t, s.stop(process))
	return c, append(told, d.entries()...)
}

func TestARestartLosesNothingOfASocketThatSystemdHolds(t *testing.T) {
	seen, told := drive(t, "careful", restarts)
	require.Empty(t, seen.lost)
	require.Len(t, seen.answered, restarts+1, "each process has answered")

	var want []string
	for range restarts + 1 {
		want = append(want, "READY=1", "STOPPING=1\nEXTEND_TIMEOUT_USEC=10000000")
	}
	require.Equal(t, want, told)
}

func TestARestartOfAServiceThatJustExitsIsSeenToLose(t *testing.T) {
	seen, _ := drive(t, "careless", 1)
	require.NotEmpty(t, seen.lost)
}
