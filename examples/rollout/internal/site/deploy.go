package site

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/front"
)

// patience is for a process to be ready: Kubernetes' startup probe would give it more.
const patience = 30 * time.Second

// Launch starts processes of a release, and returns when all are in rotation.
func (s *Site) Launch(ctx context.Context, r fleet.Release, n int) ([]*fleet.Process, error) {
	var all []*fleet.Process
	for range n {
		p, err := s.Fleet.Start(r)
		if err != nil {
			return nil, err
		}
		s.Say("%s started", p.Name)
		all = append(all, p)
	}
	late := fmt.Errorf("not ready within %v", patience)
	limited, cancel := context.WithTimeoutCause(ctx, patience, late)
	defer cancel()
	for _, p := range all {
		if err := s.During(limited, p.Ready); errors.Is(err, late) {
			return nil, p.Failed("is " + late.Error())
		} else if err != nil {
			return nil, err
		}
		s.Say("%s ready", p.Name)
		target := front.Target{Name: p.Name, Version: p.Version, API: p.API}
		if err := s.During(ctx, func(ctx context.Context) error { return s.Front.Add(ctx, target) }); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Leave tells the processes first and the balancer then, as a control plane does.
func (s *Site) Leave(all ...*fleet.Process) {
	for _, p := range all {
		s.replaced[p.Name] = true
		p.Terminate()
		s.Front.Leave(p.Name)
		s.mark(p.Name + " signalled")
		s.Say("%s signalled", p.Name)
	}
}

// Kill tells the balancer nothing.
func (s *Site) Kill(all ...*fleet.Process) {
	for _, p := range all {
		s.replaced[p.Name] = true
		p.Kill()
		s.mark(p.Name + " killed")
		s.Say("%s killed", p.Name)
	}
}

// Exits waits for the end of processes that were told.
func (s *Site) Exits(ctx context.Context, all ...*fleet.Process) error {
	return s.During(ctx, func(ctx context.Context) error {
		for _, p := range all {
			select {
			case <-p.Exited:
				status, took := p.State()
				s.Say("%s exited: %s, %d ms after the signal", p.Name, status, took.Milliseconds())
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
}

// Roll replaces one by one: surge 1, unavailable 0.
func (s *Site) Roll(ctx context.Context, old []*fleet.Process, r fleet.Release) (next []*fleet.Process, err error) {
	s.Stage("roll to " + r.Version)
	for _, p := range old {
		started, err := s.Launch(ctx, r, 1)
		if err != nil {
			return nil, err
		}
		next = append(next, started...)
		s.Leave(p)
		if err := s.Pause(ctx, s.Options.Settle); err != nil {
			return nil, err
		}
	}
	return next, s.Exits(ctx, old...)
}

// Pause lets time pass.
func (s *Site) Pause(ctx context.Context, d time.Duration) error {
	return s.During(ctx, func(ctx context.Context) error { return Wait(ctx, d) })
}

// Wait lets time pass, and tells nothing.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// During does something, and meanwhile tells how it goes. What ends without being told to
// ends the deployment.
func (s *Site) During(ctx context.Context, do func(context.Context) error) error {
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
		case p := <-s.Fleet.Lost():
			cancel(p.Failed("has ended without being told to"))
		case err := <-s.Front.Failed():
			cancel(fmt.Errorf("the balancer: %w", err))
		case <-s.tick.C:
			s.progress()
		}
	}
}
