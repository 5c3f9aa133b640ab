package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/front"
	"github.com/handover-go/handover/examples/rollout/internal/load"
)

// patience is for a process to be ready: Kubernetes' startup probe would give it more.
const patience = 30 * time.Second

// site is where one strategy deploys to: a database, a balancer, a load, and processes.
type site struct {
	o       options
	out     io.Writer
	url     string // of the database
	address string // of the balancer
	began   time.Time
	fleet   *fleet.Fleet
	front   *front.Balancer
	load    *load.Load
	step    string // for who watches
	tick    *time.Ticker

	replaced map[string]bool
	loading  sync.WaitGroup
	halt     func() // ends the load, once its requests are answered
	end      func() // ends everything
}

// newSite has no process and no load yet. seen is told of each answer, as in front.Config.
func newSite(ctx context.Context, w *world, o options, name string, out io.Writer, seen func(string, time.Duration, bool)) (*site, error) {
	url, err := w.copy(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("make a database: %w", err)
	}
	ln, err := net.Listen("tcp", o.fleet.Listen)
	if err != nil {
		return nil, fmt.Errorf("the balancer cannot listen: %w", err)
	}
	running, cancel := context.WithCancel(ctx)
	s := &site{
		o: o, out: out, url: url, address: ln.Addr().String(), began: time.Now(),
		fleet: fleet.New(w.program, "DATABASE_URL="+url),
		front: front.New(front.Config{Lag: o.fleet.Lag, Seen: seen}),
		tick:  time.NewTicker(time.Second), replaced: map[string]bool{}, halt: func() {},
	}
	s.load = load.New(load.Config{Address: s.address, Rate: o.fleet.Rate, NewShare: o.fleet.NewShare, Seed: o.fleet.Seed, Users: users})
	s.front.Start(running, ln)
	s.end = sync.OnceFunc(func() {
		cancel()
		s.fleet.End()
		s.loading.Wait()
		s.front.Wait()
		s.tick.Stop()
	})
	return s, nil
}

// begin puts what is there under load.
func (s *site) begin(ctx context.Context) error {
	stop := make(chan struct{})
	s.halt = sync.OnceFunc(func() {
		close(stop)
		s.loading.Wait()
	})
	s.loading.Go(func() { s.load.Run(ctx, stop) })
	return s.pause(ctx, max(s.o.fleet.Warmup, s.o.fleet.Lag))
}

// launch starts processes of a release, and returns when all are in rotation.
func (s *site) launch(ctx context.Context, r fleet.Release, n int) ([]*fleet.Process, error) {
	var all []*fleet.Process
	for range n {
		p, err := s.fleet.Start(r)
		if err != nil {
			return nil, err
		}
		s.say("%s started", p.Name)
		all = append(all, p)
	}
	late := fmt.Errorf("not ready within %v", patience)
	limited, cancel := context.WithTimeoutCause(ctx, patience, late)
	defer cancel()
	for _, p := range all {
		if err := s.during(limited, p.Ready); errors.Is(err, late) {
			return nil, p.Failed("is " + late.Error())
		} else if err != nil {
			return nil, err
		}
		s.say("%s ready", p.Name)
		s.front.Add(front.Target{Name: p.Name, Version: p.Version, API: p.API})
	}
	return all, nil
}

// leave tells the processes first and the balancer then, as a control plane does.
func (s *site) leave(all ...*fleet.Process) {
	for _, p := range all {
		s.replaced[p.Name] = true
		p.Terminate()
		s.front.Leave(p.Name)
		s.say("%s signalled", p.Name)
	}
}

// exits waits for the end of processes that were told.
func (s *site) exits(ctx context.Context, all ...*fleet.Process) error {
	return s.during(ctx, func(ctx context.Context) error {
		for _, p := range all {
			select {
			case <-p.Exited:
				status, took := p.State()
				s.say("%s exited: %s, %d ms after the signal", p.Name, status, took.Milliseconds())
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
}

// roll replaces one by one: surge 1, unavailable 0.
func (s *site) roll(ctx context.Context, old []*fleet.Process, r fleet.Release) (next []*fleet.Process, err error) {
	s.step = "roll to " + r.Version
	for _, p := range old {
		started, err := s.launch(ctx, r, 1)
		if err != nil {
			return nil, err
		}
		next = append(next, started...)
		s.leave(p)
		if err := s.pause(ctx, s.o.fleet.Settle); err != nil {
			return nil, err
		}
	}
	return next, s.exits(ctx, old...)
}

// finish ends the load, and then what is left.
func (s *site) finish(ctx context.Context) error {
	s.halt()
	var left []*fleet.Process
	for _, p := range s.fleet.All() {
		if status, _ := p.State(); status == "" {
			p.Terminate()
			left = append(left, p)
		}
	}
	s.step = "end"
	return s.exits(ctx, left...)
}

func (s *site) pause(ctx context.Context, d time.Duration) error {
	return s.during(ctx, func(ctx context.Context) error { return wait(ctx, d) })
}

// until waits for something that is soon so.
func (s *site) until(ctx context.Context, isSo func() bool) error {
	return s.during(ctx, func(ctx context.Context) error {
		for !isSo() {
			if err := wait(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// during does something, and meanwhile tells how it goes. What ends without being told to
// ends the deployment.
func (s *site) during(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	for {
		select {
		case err := <-done:
			if err != nil && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		case p := <-s.fleet.Lost():
			cancel(p.Failed("has ended without being told to"))
		case <-s.tick.C:
			s.progress()
		}
	}
}
