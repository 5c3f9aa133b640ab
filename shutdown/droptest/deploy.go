package droptest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// deploy is what the comment of Roll says.
func (r *roll) deploy(ctx context.Context, old, next Version) error {
	olds, err := r.launch(ctx, old)
	if err != nil {
		return err
	}
	stop, done := make(chan struct{}), make(chan struct{})
	r.putUnderLoad(ctx, stop, done)
	if err := r.pause(ctx, r.cfg.Warmup); err != nil {
		return err
	}
	news, err := r.replace(ctx, olds, next)
	if err != nil {
		return err
	}
	if err := r.exits(ctx, olds); err != nil {
		return err
	}
	if err := r.pause(ctx, afterLast); err != nil {
		return err
	}
	close(stop)
	if err := r.await(ctx, done); err != nil {
		return err
	}
	return r.retire(ctx, news)
}

// launch starts all processes of a version, then waits for all.
func (r *roll) launch(ctx context.Context, v Version) ([]*endpoint, error) {
	es := make([]*endpoint, r.cfg.Replicas)
	for i := range es {
		var err error
		if es[i], err = r.start(ctx, v); err != nil {
			return nil, err
		}
	}
	for _, e := range es {
		if err := r.ready(ctx, e); err != nil {
			return nil, err
		}
	}
	return es, nil
}

// putUnderLoad sends requests until stop is closed, and closes done when all
// have been answered.
func (r *roll) putUnderLoad(ctx context.Context, stop <-chan struct{}, done chan<- struct{}) {
	l := newLoad(r.cfg, r.address, r.balancer, r.tally)
	r.tally.begin()
	r.underLoad = true
	r.loading.Go(func() {
		defer close(done)
		defer r.tally.end()
		l.run(ctx, stop)
	})
}

// replace goes from process to process: surge 1, unavailable 0.
func (r *roll) replace(ctx context.Context, olds []*endpoint, next Version) ([]*endpoint, error) {
	var news []*endpoint
	for _, old := range olds {
		e, err := r.start(ctx, next)
		if err != nil {
			return nil, err
		}
		if err := r.ready(ctx, e); err != nil {
			return nil, err
		}
		news = append(news, e)
		old.replaced = true
		if err := r.terminate(old); err != nil {
			return nil, err
		}
		if err := r.pause(ctx, r.cfg.Settle); err != nil {
			return nil, err
		}
	}
	return news, nil
}

// retire ends the processes that are no longer needed, without load.
func (r *roll) retire(ctx context.Context, es []*endpoint) error {
	r.underLoad = false
	for _, e := range es {
		if err := r.terminate(e); err != nil {
			return err
		}
	}
	return r.exits(ctx, es)
}

func (r *roll) start(ctx context.Context, v Version) (*endpoint, error) {
	p, err := r.processes.start(v)
	if err != nil {
		return nil, err
	}
	e := r.balancer.add(ctx, p)
	r.tell("started", p)
	return e, nil
}

// ready waits until the process is in rotation.
func (r *roll) ready(ctx context.Context, e *endpoint) error {
	late := fmt.Errorf("not ready within %v", r.cfg.StartTimeout)
	limited, cancel := context.WithTimeoutCause(ctx, r.cfg.StartTimeout, late)
	defer cancel()
	err := r.await(limited, e.joined)
	if errors.Is(err, late) {
		return e.failed(fmt.Sprintf("is %v (http://%s%s has to answer 200)", late, e.addresses.Probes, r.cfg.ReadyPath))
	}
	if err == nil {
		r.tell("ready", e.process)
	}
	return err
}

// terminate tells the process first and the balancer then, as a control plane
// does: what the balancer learns of it comes Lag later.
func (r *roll) terminate(e *endpoint) error {
	r.tally.signalled(e.name)
	if err := e.terminate(r.cfg.KillAfter); err != nil {
		return err
	}
	r.balancer.leave(e, true)
	r.tell("signalled", e.process)
	return nil
}

func (r *roll) exits(ctx context.Context, es []*endpoint) error {
	for _, e := range es {
		if err := r.await(ctx, e.exited); err != nil {
			return err
		}
	}
	return nil
}

func (r *roll) pause(ctx context.Context, d time.Duration) error {
	over := make(chan struct{})
	timer := time.AfterFunc(d, func() { close(over) })
	defer timer.Stop()
	return r.await(ctx, over)
}

// await lets time pass until reached is closed, and meanwhile tells of what
// happens. Every wait of a deployment is one of these, so that OnEvent is called
// on the caller's goroutine, where a panic unwinds through Roll.
func (r *roll) await(ctx context.Context, reached <-chan struct{}) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case p := <-r.processes.exits:
			if err := r.exited(p); err != nil {
				return err
			}
		case <-r.tick.C:
			if r.underLoad {
				r.tell("tick", nil)
			}
		case <-reached:
			return r.exitedSoFar()
		}
	}
}

// exitedSoFar is for what became known together with the end of a wait.
func (r *roll) exitedSoFar() error {
	for {
		select {
		case p := <-r.processes.exits:
			if err := r.exited(p); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (r *roll) exited(p *process) error {
	r.tell("exited", p)
	if p.wasSignalled() {
		return nil
	}
	return p.failed("ended without being told to: " + p.report().Status)
}

func (r *roll) tell(what string, p *process) {
	if r.cfg.OnEvent == nil {
		return
	}
	e := Event{At: time.Since(r.begun), What: what}
	e.Requests, e.Failed, e.Shares = r.tally.lately()
	if p != nil {
		e.Process = p.report()
	}
	r.cfg.OnEvent(e)
}
