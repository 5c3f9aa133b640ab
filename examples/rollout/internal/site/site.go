package site

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/fleet"
	"github.com/handover-go/handover/examples/rollout/internal/front"
	"github.com/handover-go/handover/examples/rollout/internal/load"
)

// Site is where one strategy deploys to. Its methods belong to one goroutine.
type Site struct {
	Options Options
	URL     string // of the database
	Fleet   *fleet.Fleet
	Front   *front.Balancer
	Load    *load.Load

	screen  Screen
	watch   *front.Watch
	address string // of the balancer
	dir     string // of its files
	began   time.Time
	diary   []entry
	step    string // for who watches
	tick    *time.Ticker

	replaced map[string]bool
	loading  sync.WaitGroup
	halt     func() // ends the load, once its requests are answered
	abort    func() // ends it at once
	end      func()
}

// New has no process and no load yet. seen is told of each answer, as in front.NewWatch.
func New(ctx context.Context, w *World, o Options, name string, screen Screen, seen func(string, time.Duration, bool)) (*Site, error) {
	url, err := w.copy(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("make a database: %w", err)
	}
	running, cancel := context.WithCancel(ctx)
	s := &Site{
		Options: o, URL: url, Fleet: fleet.New(w.program, "DATABASE_URL="+url), screen: screen,
		watch: front.NewWatch(seen), began: time.Now(), replaced: map[string]bool{}, halt: func() {}, abort: func() {},
	}
	carrier, err := s.carry(running)
	if err != nil {
		cancel()
		s.Fleet.End()
		_ = os.RemoveAll(s.dir)
		return nil, err
	}
	s.Front = front.New(carrier, o.Lag)
	s.Front.Start(running)
	s.Load = load.New(load.Config{Address: s.address, Rate: o.Rate, NewShare: s.newShare(), Seed: o.Seed, Users: users})
	s.tick = time.NewTicker(time.Second)
	s.end = sync.OnceFunc(func() {
		cancel()
		s.abort()
		s.loading.Wait()
		s.Fleet.End()
		s.Front.Wait()
		s.tick.Stop()
		_ = os.RemoveAll(s.dir)
	})
	return s, nil
}

// newShare is 1 for nginx, whose reload closes kept connections also when a request is on
// its way.
func (s *Site) newShare() float64 {
	if s.Options.Balancer == "nginx" {
		return 1
	}
	return s.Options.NewShare
}

// Begin puts what is there under load.
func (s *Site) Begin(ctx context.Context) error {
	stop := make(chan struct{})
	s.halt = sync.OnceFunc(func() {
		close(stop)
		s.loading.Wait()
	})
	running, cancel := context.WithCancel(ctx)
	s.abort = cancel
	s.loading.Go(func() { s.Load.Run(running, stop) })
	return s.Pause(ctx, max(s.Options.Warmup, s.Options.Lag))
}

// Halt ends the load, and returns when all of it is answered. Once more is nothing.
func (s *Site) Halt() { s.halt() }

// Finish ends the load, and then what is left.
func (s *Site) Finish(ctx context.Context) error {
	s.Halt()
	var left []*fleet.Process
	for _, p := range s.Fleet.All() {
		if status, _ := p.State(); status == "" {
			p.Terminate()
			left = append(left, p)
		}
	}
	s.step = "end"
	return s.Exits(ctx, left...)
}

// End ends everything that is left. Once more is nothing.
func (s *Site) End() { s.end() }

// Spared is how many failures of a canary the stable version has made good.
func (s *Site) Spared() int { return s.watch.Spared() }
