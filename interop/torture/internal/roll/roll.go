//go:build unix

package roll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/handover-go/handover/interop/torture/internal/balance"
	"github.com/handover-go/handover/interop/torture/internal/fleet"
	"github.com/handover-go/handover/interop/torture/internal/load"
	"github.com/handover-go/handover/interop/torture/internal/tally"
)

// Config is one run. Zero is the default of what says so.
type Config struct {
	Variant   fleet.Variant
	Program   string // what Variant.Build has returned
	Balancer  balance.Kind
	Protocols []string // default: those that variant and balancer have
	TLS       bool     // between clients and service
	Lag       time.Duration
	Rate      int
	Restarts  int
	Processes int           // at the same time; default 3
	Streams   int           // clients of each streaming protocol; default 3
	Warmup    time.Duration // default 3 s
	Grace     time.Duration // default 30 s
	Delay     time.Duration // the service's shutdown delay; default its own
	Log       func(at time.Time, what string)
}

// patience is how long, beyond the lag, a process that drains holds up the next.
const patience = 4 * time.Second

// Result is what has become of it.
type Result struct {
	Variant  string                  `json:"variant"`
	Balancer string                  `json:"balancer"`
	TLS      bool                    `json:"tls,omitempty"`
	Lag      time.Duration           `json:"lag_ns"`
	Rate     int                     `json:"rate"`
	Counts   map[string]tally.Counts `json:"counts"`
	Exits    map[string]int          `json:"exits"`
	Longest  time.Duration           `json:"longest_stop_ns"` // from SIGTERM to the exit
}

// Total is the sum of all protocols.
func (r Result) Total() tally.Counts {
	var sum tally.Counts
	for _, counts := range r.Counts {
		sum.Add(counts)
	}
	return sum
}

// Protocols lists those that can be asked for.
func (c Config) protocols() []string {
	return slices.DeleteFunc(load.Protocols(), func(protocol string) bool {
		port := load.PortOf(protocol)
		return len(c.Protocols) > 0 && !slices.Contains(c.Protocols, protocol) ||
			!slices.Contains(c.Balancer.Ports, port) || port == load.RPC && !c.Variant.RPC
	})
}

// Run starts everything, and leaves nothing running.
func Run(ctx context.Context, cfg Config) (result Result, err error) {
	cfg.Processes = cmp.Or(cfg.Processes, 3)
	cfg.Streams = cmp.Or(cfg.Streams, 3)
	cfg.Warmup = cmp.Or(cfg.Warmup, 3*time.Second)
	cfg.Grace = cmp.Or(cfg.Grace, 30*time.Second)
	dir, err := os.MkdirTemp("", "torture-")
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	r := &rollout{Config: cfg, balancer: cfg.Balancer.New(dir), tally: tally.New(cfg.Log)}
	defer r.balancer.Stop()
	defer r.killAll()
	if err := r.balancer.Start(ctx); err != nil {
		return Result{}, err
	}
	for range cfg.Processes {
		if err := r.start(ctx); err != nil {
			return Result{}, err
		}
	}
	err = r.deploy(ctx)
	return r.result(), err
}

type rollout struct {
	Config
	balancer balance.Balancer
	tally    *tally.Tally
	stops    sync.WaitGroup

	mu     sync.Mutex // guards failed
	failed error

	instances []*instance // all there were, in the order of their starts
}

// deploy puts the load in front of it and restarts everything.
func (r *rollout) deploy(ctx context.Context) error {
	stop := make(chan struct{})
	var clients sync.WaitGroup
	clients.Go(func() {
		load.Run(ctx, stop, load.Config{
			Dial: r.balancer.Dial, TLS: r.TLS, KeepAlive: r.Balancer.KeepAlive,
			Rate: r.Rate, Streams: r.Streams, Protocols: r.protocols(), Tally: r.tally,
		})
	})
	err := r.restart(ctx)
	r.stops.Wait()
	if err == nil {
		err = pause(ctx, time.Second)
	}
	close(stop)
	clients.Wait()
	return errors.Join(err, r.failed)
}

func (r *rollout) restart(ctx context.Context) error {
	if err := pause(ctx, r.Warmup); err != nil {
		return err
	}
	for i := range r.Restarts {
		if err := r.start(ctx); err != nil {
			return err
		}
		if err := pause(ctx, time.Second); err != nil { // the new one has a share of the load
			return err
		}
		old := r.instances[i]
		if err := old.terminate(r.log); err != nil {
			return err
		}
		r.stops.Go(func() { r.stop(ctx, old) })
		select {
		case <-old.Exited():
			if err := pause(ctx, r.Lag-time.Since(old.signalled)); err != nil {
				return err
			}
		case <-time.After(r.Lag + patience):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// stop does what the platform does after SIGTERM.
func (r *rollout) stop(ctx context.Context, old *instance) {
	if pause(ctx, r.Lag) != nil {
		return
	}
	r.log(time.Now(), old.Name+" leaves the rotation")
	if err := r.balancer.Remove(ctx, old.Addresses); err != nil {
		r.mu.Lock()
		r.failed = errors.Join(r.failed, err)
		r.mu.Unlock()
	}
	select {
	case <-old.Exited():
	case <-time.After(r.Grace - r.Lag):
		old.Kill()
	case <-ctx.Done():
		return
	}
	r.log(old.Ended(), fmt.Sprintf("%s ended: %s, %v after SIGTERM\n%s", old.Name, old.State(), old.took(), old.Output()))
}

func (r *rollout) killAll() {
	for _, i := range r.instances {
		i.Kill()
	}
}

func (r *rollout) log(at time.Time, what string) {
	if r.Log != nil {
		r.Log(at, what)
	}
}

func (r *rollout) result() Result {
	result := Result{
		Variant: r.Variant.Name, Balancer: r.Balancer.Name, TLS: r.TLS, Lag: r.Lag, Rate: r.Rate,
		Counts: r.tally.Counts(), Exits: map[string]int{},
	}
	for _, i := range r.instances {
		if !i.signalled.IsZero() {
			result.Exits[i.State()]++
			result.Longest = max(result.Longest, i.took())
		}
	}
	return result
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
