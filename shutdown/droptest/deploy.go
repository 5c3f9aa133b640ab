package droptest

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/handover-go/handover/shutdown/droptest/internal/balance"
	"github.com/handover-go/handover/shutdown/droptest/internal/process"
)

// instance is a process with its place behind the balancer.
type instance struct {
	*process.Process
	endpoint *balance.Endpoint
}

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
	r.tally.stop()
	if err := r.await(ctx, done); err != nil {
		return err
	}
	return r.retire(ctx, news)
}

// launch starts all processes of a version, then waits for all.
func (r *roll) launch(ctx context.Context, v Version) ([]instance, error) {
	var all []instance
	for range r.cfg.Replicas {
		i, err := r.start(ctx, v)
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	for _, i := range all {
		if err := r.ready(ctx, i); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// putUnderLoad sends requests until stop is closed, and closes done when all
// have been answered.
func (r *roll) putUnderLoad(ctx context.Context, stop <-chan struct{}, done chan<- struct{}) {
	l := r.newLoad()
	r.tally.begin()
	r.underLoad = true
	r.loading.Go(func() {
		defer close(done)
		defer r.tally.end()
		l.Run(ctx, stop)
	})
}

// replace goes from process to process: surge 1, unavailable 0.
func (r *roll) replace(ctx context.Context, olds []instance, next Version) ([]instance, error) {
	var news []instance
	for _, old := range olds {
		i, err := r.start(ctx, next)
		if err != nil {
			return nil, err
		}
		if err := r.ready(ctx, i); err != nil {
			return nil, err
		}
		news = append(news, i)
		r.replaced[old.Process] = true
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
func (r *roll) retire(ctx context.Context, all []instance) error {
	r.underLoad = false
	for _, i := range all {
		if err := r.terminate(i); err != nil {
			return err
		}
	}
	return r.exits(ctx, all)
}

func (r *roll) start(ctx context.Context, v Version) (instance, error) {
	p, err := r.processes.Start(v.Name, func(a process.Addresses) *exec.Cmd { return v.Command(Addresses(a)) })
	if err != nil {
		return instance{}, err
	}
	e := r.balancer.Add(ctx, balance.Target{
		Name: p.Name, API: p.Addresses.API, Probes: p.Addresses.Probes, Exited: p.Exited,
	})
	r.tell("started", p)
	return instance{p, e}, nil
}

// ready waits until the process is in rotation.
func (r *roll) ready(ctx context.Context, i instance) error {
	late := fmt.Errorf("not ready within %v", r.cfg.StartTimeout)
	limited, cancel := context.WithTimeoutCause(ctx, r.cfg.StartTimeout, late)
	defer cancel()
	err := r.await(limited, i.endpoint.Joined())
	if errors.Is(err, late) {
		return i.Failed(fmt.Sprintf("is %v (http://%s%s has to answer 200)", late, i.Addresses.Probes, r.cfg.ReadyPath))
	}
	if err == nil {
		r.tell("ready", i.Process)
	}
	return err
}

// terminate tells the process first and the balancer then, as a control plane
// does: what the balancer learns of it comes Lag later.
func (r *roll) terminate(i instance) error {
	r.tally.signalled(i.Name)
	if err := i.Terminate(r.cfg.KillAfter); err != nil {
		return err
	}
	r.balancer.Told(i.endpoint)
	r.tell("signalled", i.Process)
	return nil
}

func (r *roll) exits(ctx context.Context, all []instance) error {
	for _, i := range all {
		if err := r.await(ctx, i.Exited); err != nil {
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
		case p := <-r.processes.Exits():
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
		case p := <-r.processes.Exits():
			if err := r.exited(p); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (r *roll) exited(p *process.Process) error {
	r.tell("exited", p)
	state := p.State()
	if state.Signalled {
		return nil
	}
	return p.Failed("ended without being told to: " + state.Status)
}

func (r *roll) tell(what string, p *process.Process) {
	if r.cfg.OnEvent == nil {
		return
	}
	e := Event{At: time.Since(r.begun), What: what}
	e.Requests, e.Failed, e.Shares = r.tally.lately()
	if p != nil {
		e.Process = r.report(p)
	}
	r.cfg.OnEvent(e)
}
