package droptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/handover-go/handover/shutdown/droptest/internal/balance"
	"github.com/handover-go/handover/shutdown/droptest/internal/load"
	"github.com/handover-go/handover/shutdown/droptest/internal/once"
	"github.com/handover-go/handover/shutdown/droptest/internal/process"
	"github.com/handover-go/handover/shutdown/droptest/internal/wire"
)

// afterLast is how long the load goes on when the last old process has exited.
const afterLast = time.Second

// Fleet is a place to deploy to.
type Fleet struct{ cfg Config }

// New makes a fleet. Nothing starts, and a mistake in cfg is reported, by Roll.
func New(cfg Config) *Fleet { return &Fleet{cfg: cfg} }

// Roll starts cfg.Replicas processes of the old version, puts them under load,
// and replaces them one by one: start a new one, wait until it is in rotation,
// send SIGTERM to an old one, go on without waiting for its exit. That is a
// Deployment of Kubernetes with maxSurge 1 and maxUnavailable 0. The load ends a
// second after the last old process; then the new ones get SIGTERM too.
//
// Failed requests, slow exits and exit statuses are in the Result, and no error.
// An error is a deployment that did not come to its end: a mistake in the Config
// or a Version, a process that does not become ready or exits without being told
// to, the end of ctx. The Result is then what there was until then.
//
// Whatever happens, a panic in OnEvent or Command included, no process, goroutine
// or connection is left when Roll returns. Several may run at the same time.
func (f *Fleet) Roll(ctx context.Context, old, next Version) (Result, error) {
	cfg := f.cfg.withDefaults()
	if err := errors.Join(cfg.check(), old.check("old"), next.check("new")); err != nil {
		return Result{}, err
	}
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return Result{}, fmt.Errorf("droptest: the balancer cannot listen: %w: choose another Config.Listen, or 127.0.0.1:0 for a free port", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := newRoll(cfg, ln.Addr().String())
	end := sync.OnceFunc(func() {
		cancel()
		r.end()
	})
	defer end()
	r.balancer.Start(ctx, ln)
	err = r.deploy(ctx, old, next)
	end()
	if err != nil {
		err = fmt.Errorf("droptest: roll %s to %s: %w", old.Name, next.Name, err)
	}
	return r.result(), err
}

// roll is one deployment. All its methods run on the goroutine that called Roll.
type roll struct {
	cfg       Config
	begun     time.Time
	address   string
	wires     *wire.Set
	balancer  *balance.Balancer
	processes *process.Set
	replaced  map[*process.Process]bool
	tally     *tally
	loading   sync.WaitGroup
	underLoad bool
	tick      *time.Ticker
}

func newRoll(cfg Config, address string) *roll {
	wires := &wire.Set{}
	balancer := balance.New(balance.Config{
		Proxy: cfg.Kind == Proxy, Lag: cfg.Lag, RTT: cfg.RTT, Poll: cfg.Poll, ReadyPath: cfg.ReadyPath,
	}, wires)
	return &roll{
		cfg:       cfg,
		begun:     time.Now(),
		address:   address,
		wires:     wires,
		balancer:  balancer,
		processes: process.New(2*cfg.Replicas, cfg.OnePort),
		replaced:  make(map[*process.Process]bool),
		tally:     newTally(),
		tick:      time.NewTicker(time.Second),
	}
}

func (r *roll) newLoad() *load.Load {
	client := once.New(func(ctx context.Context) (*wire.Wire, error) { return r.wires.Dial(ctx, r.address, 0) })
	return load.New(load.Config{
		Host: r.address, Rate: r.cfg.Rate, NewShare: r.cfg.NewShare, SlowEvery: r.cfg.SlowEvery,
		Path: r.cfg.Path, SlowPath: r.cfg.SlowPath, Timeout: r.cfg.Timeout, Seed: r.cfg.Seed,
	}, client, func(request load.Request, answer once.Reply, d *once.Drop) {
		r.tally.count(judge(r.balancer, answer, d), request)
	})
}

// end leaves nothing behind. The context that everything runs under has ended.
func (r *roll) end() {
	r.processes.End()
	r.wires.Close()
	r.balancer.Wait()
	r.loading.Wait()
	r.tick.Stop()
}

func (r *roll) result() Result {
	result := r.tally.result(r.begun)
	for _, p := range r.processes.All() {
		report := r.report(p)
		result.Processes = append(result.Processes, report)
		if report.Killed {
			result.Killed++
		}
	}
	return result
}

// report describes the process as it is now.
func (r *roll) report(p *process.Process) Process {
	state := p.State()
	return Process{
		Name:     p.Name,
		Version:  p.Version,
		PID:      p.PID,
		Replaced: r.replaced[p],
		ExitMS:   milliseconds(state.Took),
		Status:   state.Status,
		Killed:   state.Killed,
	}
}
