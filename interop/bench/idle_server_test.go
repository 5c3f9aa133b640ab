//go:build unix && !race

package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/handover-go/handover/shutdown"
)

// serveIdle is the variable of the environment that makes a server of this
// program; its value says how it stops.
const serveIdle = "HANDOVER_BENCH_SERVE_IDLE"

// idleStop is what it writes when it has stopped.
type idleStop struct {
	CPU, Took time.Duration
	FirstCPU  time.Duration   // of CPU, what was used before the first was closed
	Closed    []time.Duration // when each connection was, from the signal
}

// idleServer writes its address, and stops at SIGTERM.
func idleServer(how string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	conns := &conns{
		open: make(map[net.Conn]struct{}), closed: make([]time.Time, 0, idleConnections), all: make(chan struct{}),
	}
	srv := &http.Server{
		Addr:      "127.0.0.1:0",
		Handler:   http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		ConnState: conns.changed,
	}
	shut, err := serving(how, srv, conns)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(srv.Addr)
	<-ctx.Done()

	limited, cancel := context.WithTimeout(context.Background(), 28*time.Second)
	defer cancel()
	began, before := time.Now(), cpuTime()
	if err := shut(limited); err != nil {
		log.Fatal(err)
	}
	took := time.Since(began)
	<-conns.all // net/http does not wait for the ends of those that it has closed
	s := idleStop{CPU: cpuTime() - before, Took: took, FirstCPU: conns.firstCPU - before}
	for _, at := range conns.times() {
		s.Closed = append(s.Closed, at.Sub(began))
	}
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		log.Fatal(err)
	}
}

// serving serves, and writes the address to srv.
func serving(how string, srv *http.Server, conns *conns) (stop func(context.Context) error, err error) {
	if how == "handover" {
		s := shutdown.HTTP(srv, shutdown.Config{Logger: slog.New(slog.DiscardHandler)})
		if err := s.Listen(context.Background()); err != nil {
			return nil, err
		}
		srv.Addr = s.Addr().String()
		go func() { _ = s.Serve(context.Background()) }() // Shutdown tells
		return s.Shutdown, nil
	}
	ln, err := net.Listen("tcp", srv.Addr)
	if err != nil {
		return nil, err
	}
	srv.Addr = ln.Addr().String()
	go func() { _ = srv.Serve(ln) }()
	if how == "paced" {
		return conns.closePaced, nil
	}
	return srv.Shutdown, nil
}

// conns are the open connections, and when those that are not were closed.
type conns struct {
	all chan struct{} // have been closed

	mu       sync.Mutex
	open     map[net.Conn]struct{}
	closed   []time.Time
	firstCPU time.Duration // cpuTime when the first was closed
}

func (cs *conns) changed(c net.Conn, state http.ConnState) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	switch state {
	case http.StateNew:
		cs.open[c] = struct{}{}
	case http.StateClosed:
		delete(cs.open, c)
		if len(cs.closed) == 0 {
			cs.firstCPU = cpuTime()
		}
		cs.closed = append(cs.closed, time.Now())
		if len(cs.closed) == idleConnections {
			close(cs.all)
		}
	default:
	}
}

func (cs *conns) times() []time.Time {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.closed
}

// closePaced closes 2,500 a second.
func (cs *conns) closePaced(context.Context) error {
	cs.mu.Lock()
	var list []net.Conn
	for c := range cs.open {
		list = append(list, c)
	}
	cs.mu.Unlock()
	tick := time.NewTicker(4 * time.Millisecond)
	defer tick.Stop()
	for len(list) > 0 {
		<-tick.C
		n := min(10, len(list))
		for _, c := range list[:n] {
			_ = c.Close() // nobody uses it
		}
		list = list[n:]
	}
	return nil
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
