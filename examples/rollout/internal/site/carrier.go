package site

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/front"
	"github.com/handover-go/handover/examples/rollout/internal/installed"
)

// listen finds the address of the balancer.
func listen(address string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("the balancer cannot listen: %w", err)
	}
	return ln, nil
}

// carry starts what carries the traffic, until ctx ends. The load finds it at s.address.
func (s *Site) carry(ctx context.Context) (front.Carrier, error) {
	ln, err := listen(s.Options.Listen)
	if err != nil {
		return nil, err
	}
	s.address = ln.Addr().String()
	if s.Options.Balancer == Builtin {
		p := front.NewProxy(s.watch)
		p.Start(ctx, ln)
		return p, nil
	}
	_, port, _ := net.SplitHostPort(s.Options.Listen) // it has been listened at
	if err := ln.Close(); err != nil {
		return nil, err
	}
	if port == "0" { // a load's connection would take it in between
		free, err := fleet.Free(1)
		if err != nil {
			return nil, err
		}
		s.address = free[0]
	}
	if s.dir, err = os.MkdirTemp("", "rollout"); err != nil {
		return nil, err
	}
	cfg := installed.Config{Listen: s.address, Dir: s.dir, Watch: s.watch}
	if s.Options.Balancer == "nginx" {
		return nonNil(installed.StartNginx(ctx, s.Fleet, cfg))
	}
	return nonNil(installed.StartHAProxy(ctx, s.Fleet, cfg))
}

// nonNil keeps a carrier that is nil out of an interface that is not.
func nonNil[C front.Carrier](c C, err error) (front.Carrier, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}
