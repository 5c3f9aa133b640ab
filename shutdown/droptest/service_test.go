package droptest_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/handover-go/handover/shutdown/droptest"
)

// A control: the drain as it has to be, and five ways to get one thing wrong.
type fault string

const (
	correct       fault = "correct"
	noLinger      fault = "no linger"
	fullQueue     fault = "accept queue not emptied"
	noCloseHeader fault = "no close header"
	exitAtReturn  fault = "exit at the handler's return"
	shutdownFirst fault = "Server.Shutdown first"
	noSignal      fault = "SIGTERM ignored"
	neverReady    fault = "never ready"
	diesAtStart   fault = "dies at the start"
	diesLater     fault = "dies when it is in rotation"
)

const (
	envFault  = "DROPTEST_FAULT" // set: this is the service and not the test
	envAPI    = "DROPTEST_API"
	envProbes = "DROPTEST_PROBES"
	envName   = "DROPTEST_VERSION"
	envLinger = "DROPTEST_LINGER"
	envSlow   = "DROPTEST_SLOW"
)

// silent is how long a kept connection has to be idle to be taken as unused.
const silent = 500 * time.Millisecond

// release is how a version behaves; the zero value drains without a linger.
type release struct {
	fault  fault
	linger time.Duration // from SIGTERM until the listener closes
	slow   time.Duration // what /slow takes
	output io.Writer     // nil: kept by the fleet
}

// version is the test binary itself, as the service.
func version(name string, r release) droptest.Version {
	return droptest.Version{Name: name, Command: func(a droptest.Addresses) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Stdout = r.output
		cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0",
			envFault+"="+cmp.Or(string(r.fault), string(correct)),
			envAPI+"="+a.API, envProbes+"="+a.Probes, envName+"="+name,
			envLinger+"="+r.linger.String(), envSlow+"="+cmp.Or(r.slow, 300*time.Millisecond).String())
		return cmd
	}}
}

type service struct {
	fault    fault
	linger   time.Duration
	slow     time.Duration
	draining atomic.Bool
	handlers atomic.Int64
	listener *drainable
	server   *http.Server

	mu          sync.Mutex
	connections map[net.Conn]state
}

type state struct {
	http.ConnState
	since time.Time
}

// runService is the main function of the service; it returns the exit status.
func runService(f fault) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	s := &service{
		fault: f, connections: make(map[net.Conn]state),
		linger: duration(envLinger), slow: duration(envSlow),
	}
	if f == diesAtStart {
		println("no database, giving up")
		return 3
	}
	s.listen()
	if f == diesLater {
		time.AfterFunc(500*time.Millisecond, func() { os.Exit(4) })
	}
	<-signals
	if f != noSignal {
		s.drain()
	} else {
		select {}
	}
	return 0
}

func duration(name string) time.Duration {
	d, err := time.ParseDuration(os.Getenv(name))
	if err != nil {
		panic(err)
	}
	return d
}

// pause is what a real process does while time passes.
func pause(d time.Duration) { <-time.After(d) }

func (s *service) listen() {
	api, err := net.Listen("tcp", os.Getenv(envAPI))
	if err != nil {
		panic(err)
	}
	s.listener = &drainable{TCPListener: api.(*net.TCPListener), keepQueue: s.fault == fullQueue, closed: make(chan struct{})}
	s.server = &http.Server{Handler: http.HandlerFunc(s.handle), ConnState: s.track}
	go func() { _ = s.server.Serve(s.listener) }()
	if os.Getenv(envProbes) != os.Getenv(envAPI) {
		probes := http.Server{Addr: os.Getenv(envProbes), Handler: http.HandlerFunc(s.ready)}
		go func() { _ = probes.ListenAndServe() }()
	}
}

func (s *service) ready(w http.ResponseWriter, _ *http.Request) {
	if s.draining.Load() || s.fault == neverReady {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (s *service) handle(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/readyz" {
		s.ready(w, r)
		return
	}
	s.handlers.Add(1)
	if r.URL.Path == "/slow" {
		pause(s.slow)
	}
	w.Header().Set("X-Version", os.Getenv(envName))
	if s.draining.Load() && s.fault != noCloseHeader {
		w.Header().Set("Connection", "close")
	}
	_, _ = w.Write([]byte("done\n"))
	if s.handlers.Add(-1) == 0 && s.fault == exitAtReturn && s.listener.isClosed() {
		os.Exit(0) // what was just written is still in net/http's buffer
	}
}

func (s *service) track(conn net.Conn, now http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now == http.StateClosed {
		delete(s.connections, conn)
		return
	}
	s.connections[conn] = state{ConnState: now, since: time.Now()}
}

func (s *service) drain() {
	s.draining.Store(true)
	switch s.fault {
	case shutdownFirst:
		_ = s.server.Shutdown(context.Background())
		return
	case noLinger:
		s.listener.stop()
	case fullQueue:
		s.listener.stop()
		pause(s.linger)
		_ = s.listener.Close()
	default:
		pause(s.linger)
		s.listener.stop()
	}
	switch s.fault {
	case noCloseHeader:
		_ = s.server.Shutdown(context.Background())
	case exitAtReturn:
		for s.handlers.Load() > 0 {
			pause(time.Millisecond)
		}
	default:
		for !s.finished() {
			pause(5 * time.Millisecond)
		}
	}
}

// finished reports whether nothing is in flight: a connection that is not in
// the middle of a request counts until it has been silent for long.
func (s *service) finished() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.connections {
		if c.ConnState == http.StateActive || time.Since(c.since) < silent {
			return false
		}
	}
	return true
}

// drainable stops accepting without http.Server.Shutdown, which would throw
// away requests it has read.
type drainable struct {
	*net.TCPListener
	keepQueue bool
	stopping  atomic.Bool
	once      sync.Once
	closed    chan struct{}
}

// stop accepts what the kernel has queued, then closes; it waits for that
// unless the queue is kept.
func (l *drainable) stop() {
	l.stopping.Store(true)
	_ = l.SetDeadline(time.Now())
	if !l.keepQueue {
		<-l.closed
	}
}

func (l *drainable) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

func (l *drainable) Accept() (net.Conn, error) {
	conn, err := l.TCPListener.Accept()
	for errors.Is(err, os.ErrDeadlineExceeded) && l.stopping.Load() {
		if l.keepQueue {
			<-l.closed
			return nil, net.ErrClosed
		}
		_ = l.SetDeadline(time.Now().Add(2 * time.Millisecond))
		if conn, err = l.TCPListener.Accept(); err != nil {
			_ = l.Close()
			return nil, net.ErrClosed
		}
	}
	return conn, err
}

func (l *drainable) Close() error {
	err := l.TCPListener.Close()
	l.once.Do(func() { close(l.closed) })
	return err
}
