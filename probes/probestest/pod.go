package probestest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A Pod is one container under a kubelet of its own. Make one with [New]; its
// methods may be called at any time, from any goroutine.
type Pod struct {
	config  Config
	handler http.Handler
	prober  prober
	workers []*worker // startup, liveness, readiness; nil if there is no such probe
	deleted chan struct{}
	backoff backoff
	serving sync.WaitGroup // programs, servers and connections

	mu          sync.Mutex // guards what follows
	ran         bool
	born        time.Time
	current     *container            // nil: none runs
	results     [readiness + 1]result // success where there is no probe
	started     bool
	ready       bool
	terminating bool
	events      []string
}

// New makes a pod whose container answers probes with handler, from its start to
// its end. It starts nothing; mistakes in config are returned by Run.
func New(handler http.Handler, config Config) *Pod {
	p := &Pod{config: config.withDefaults(), handler: handler, deleted: make(chan struct{})}
	if config.Address == "" {
		p.prober = newProber(podAddress, p.dial)
	} else {
		p.prober = newProber(config.Address, dialTCP)
	}
	p.workers = make([]*worker, readiness+1)
	for kind := startup; kind <= readiness; kind++ {
		probe := p.config.probe(kind)
		if probe == (Probe{}) {
			continue
		}
		p.workers[kind] = &worker{pod: p, kind: kind, probe: probe, trigger: make(chan struct{}, 1)}
	}
	return p
}

// Run runs the pod until it has been deleted by Terminate and its container has
// ended, or until ctx ends, which is the end of everything: Program's context
// ends, and nothing is asked any more. It waits for Program and for the handlers
// of probes, so one that never returns keeps it, and returns nil; or, before
// anything starts, an error that lists every mistake. A pod runs once.
func (p *Pod) Run(ctx context.Context) error {
	if err := p.enter(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	for _, w := range p.workers {
		if w != nil {
			working.Go(func() { w.work(ctx) })
		}
	}
	for again := !p.gone(ctx); again; again = p.restart(ctx, p.live(ctx)) {
	}
	cancel()
	working.Wait()
	p.serving.Wait()
	p.prober.transport.CloseIdleConnections() // those of HTTP/2, after a redirect
	return nil
}

func (p *Pod) enter() error {
	if err := p.config.faults(p.handler); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ran {
		return errors.New("probestest: run: the pod has run already: make a new one, as Kubernetes does")
	}
	p.ran, p.born = true, time.Now()
	return nil
}

// Terminate is kubectl delete pod: the endpoint is no longer ready, startup and
// liveness are no longer asked, the container gets SIGTERM. It returns at once;
// Run returns when the container has ended. Only the first call does anything.
func (p *Pod) Terminate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminating {
		return
	}
	p.terminating = true
	close(p.deleted)
	p.noteLocked("terminating")
	p.refresh("")
}

// Ready reports the pod's condition of that name: its container has started, and
// its last readiness probes have succeeded. Deletion does not change it.
func (p *Pod) Ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready
}

// Events are the diary so far, a line an event, with the time since the call of
// Run, cut to tenths of a second:
//
//	3s started                              the startup probe has succeeded
//	3s ready
//	61s not ready: readiness probe failed: HTTP probe failed with statuscode: 503
//	82s SIGTERM: liveness probe failed: ...
//	112s SIGKILL                            the grace period is over
//	112s container started
//	120s terminating                        by Terminate
//	120s SIGTERM: pod deleted
//	125s exited                             ": " and the error that Program returned
//
// A probe that fails is not in it before its threshold is reached. One that
// warns, or whose result is thrown away, is, once until something else happens.
func (p *Pod) Events() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

func (p *Pod) note(event string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noteLocked(event)
}

func (p *Pod) noteLocked(event string) {
	var at time.Duration
	if p.ran {
		at = time.Since(p.born).Truncate(100 * time.Millisecond)
	}
	p.events = append(p.events, strconv.FormatFloat(at.Seconds(), 'f', -1, 64)+"s "+event)
}

// asks returns the container that a probe of this kind is to be sent to, if any.
func (p *Pod) asks(kind kind) *container {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.started == (kind == startup) || p.terminating && kind != readiness {
		return nil
	}
	return p.current
}

// set makes a result the state of a probe. If that is a change, it is what the
// kubelet computes a new status for.
func (p *Pod) set(c *container, kind kind, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c != p.current || p.results[kind] == a.result {
		return
	}
	p.results[kind] = a.result
	why := kind.String() + " probe failed: " + a.text
	p.refresh(why)
	if kind != readiness && a.result == failure {
		c.sick <- sickness{kind, why}
	}
}

// refresh computes the status, as UpdatePodStatus of
// k8s.io/kubernetes pkg/kubelet/prober/prober_manager.go. A container that has
// started and is not ready is asked for its readiness at once, whatever its period.
func (p *Pod) refresh(why string) {
	started := p.current != nil && p.results[startup] == success
	ready := started && p.results[readiness] == success
	if started && !p.started && p.workers[startup] != nil {
		p.noteLocked("started")
	}
	if ready != p.ready && p.current != nil {
		p.noteLocked(map[bool]string{true: "ready", false: "not ready: " + why}[ready])
	}
	p.started, p.ready = started, ready
	if started && !ready {
		p.workers[readiness].wake()
	}
}
