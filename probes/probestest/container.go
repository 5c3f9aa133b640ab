package probestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/handover-go/handover/internal/pipenet"
)

// podAddress is what a handler reads as the Host. Only its port is open.
const podAddress = "10.0.0.1:8080"

// container is one life of the program.
type container struct {
	began    time.Time
	terminal context.CancelFunc // SIGTERM
	exited   chan struct{}      // closed when the program has returned
	err      error              // of the program, valid then
	killed   bool               // it did not return in time
	sick     chan sickness      // one at the most: startup is over when liveness begins

	listener *pipenet.Listener // both nil with an Address
	server   *http.Server
}

// sickness is why a container must be killed.
type sickness struct {
	kind kind
	why  string
}

// live is one container, from its start to its end. It reports whether that came
// unasked for.
func (p *Pod) live(ctx context.Context) (crashed bool) {
	c := p.start(ctx)
	select {
	case <-c.exited:
		crashed = true
	case s := <-c.sick:
		p.kill(ctx, c, s.why, p.graceAfter(s.kind))
	case <-p.deleted:
		p.kill(ctx, c, "pod deleted", p.config.GracePeriod)
	case <-ctx.Done():
	}
	p.end(ctx, c)
	return crashed
}

func (p *Pod) start(ctx context.Context) *container {
	c := &container{began: time.Now(), exited: make(chan struct{}), sick: make(chan sickness, 1)}
	if p.handler != nil {
		p.serve(c)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noteLocked("container started")
	p.current = c
	for kind, w := range p.workers {
		p.results[kind] = success
		if w != nil {
			p.results[kind] = []result{startup: unknown, liveness: success, readiness: failure}[kind]
			w.wake()
		}
	}
	p.refresh("")
	ctx, c.terminal = context.WithCancel(ctx)
	p.serving.Go(func() {
		defer close(c.exited)
		c.err = p.config.Program(ctx)
	})
	return c
}

// serve answers with the handler until the container ends.
func (p *Pod) serve(c *container) {
	c.listener = pipenet.Listen(100)
	c.server = &http.Server{Handler: p.handler, ConnState: func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			p.serving.Add(1) // from the goroutine of Serve, which is itself waited for
		case http.StateClosed, http.StateHijacked:
			p.serving.Done()
		}
	}}
	p.serving.Go(func() { _ = c.server.Serve(c.listener) })
}

// kill is killContainer of k8s.io/kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go.
func (p *Pod) kill(ctx context.Context, c *container, why string, grace time.Duration) {
	const least = 2 * time.Second // minimumGracePeriodInSeconds
	grace = max(grace, least)
	p.note("SIGTERM: " + why)
	sent := time.Now()
	c.terminal()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-timer.C:
	case <-ctx.Done():
	}
	if time.Since(sent) >= grace {
		c.killed = true
		p.note("SIGKILL")
	}
}

func (p *Pod) graceAfter(kind kind) time.Duration {
	if own := p.config.probe(kind).GracePeriod; own > 0 {
		return own
	}
	return p.config.GracePeriod
}

// end takes the container out of the pod. Its connections break, as those of a
// process that has exited.
func (p *Pod) end(ctx context.Context, c *container) {
	p.mu.Lock()
	p.current = nil
	p.refresh("")
	switch {
	case c.killed || ctx.Err() != nil: // the end of Run's context is no event
	case c.err != nil:
		p.noteLocked("exited: " + c.err.Error())
	default:
		p.noteLocked("exited")
	}
	p.mu.Unlock()
	c.terminal()
	if c.server != nil {
		_ = c.server.Close()
	}
}

// restart waits for as long as the kubelet would, and reports whether somebody
// still wants another container then.
func (p *Pod) restart(ctx context.Context, crashed bool) bool {
	timer := time.NewTimer(p.backoff.next(time.Now(), crashed))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.deleted:
	case <-ctx.Done():
	}
	return !p.gone(ctx)
}

func (p *Pod) gone(ctx context.Context) bool {
	select {
	case <-p.deleted:
		return true
	default:
		return ctx.Err() != nil
	}
}

// dial connects to the container, at the only port that it has open.
func (p *Pod) dial(ctx context.Context, network, address string) (net.Conn, error) {
	p.mu.Lock()
	c := p.current
	p.mu.Unlock()
	refused := fmt.Errorf("dial %s %s: %w", network, address, os.NewSyscallError("connect", syscall.ECONNREFUSED))
	if c == nil || address != podAddress {
		return nil, refused
	}
	conn, err := c.listener.Dial(ctx)
	if errors.Is(err, net.ErrClosed) {
		return nil, refused
	}
	return conn, err
}

// dialTCP lingers for a second, as pkg/probe/dialer_others.go does.
func dialTCP(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(1) // or TIME_WAIT exhausts the ports (kubernetes/kubernetes#89898)
	}
	return conn, err
}
