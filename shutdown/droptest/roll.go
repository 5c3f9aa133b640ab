package droptest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
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
	ln, err := listen(cfg.Listen)
	if err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := newRoll(cfg, ln.Addr().String())
	end := sync.OnceFunc(func() {
		cancel()
		r.end()
	})
	defer end()
	r.balancer.start(ctx, ln)
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
	wires     *wires
	balancer  *balancer
	processes *processes
	tally     *tally
	loading   sync.WaitGroup
	underLoad bool
	tick      *time.Ticker
}

func newRoll(cfg Config, address string) *roll {
	ws := &wires{}
	return &roll{
		cfg:       cfg,
		begun:     time.Now(),
		address:   address,
		wires:     ws,
		balancer:  newBalancer(cfg, ws),
		processes: newProcesses(cfg),
		tally:     newTally(),
		tick:      time.NewTicker(time.Second),
	}
}

// end leaves nothing behind. The context that everything runs under has ended.
func (r *roll) end() {
	r.processes.end()
	r.wires.close()
	r.balancer.wait()
	r.loading.Wait()
	r.tick.Stop()
}

func (r *roll) result() Result {
	result := r.tally.result()
	for _, p := range r.processes.all {
		report := p.report()
		result.Processes = append(result.Processes, report)
		if report.Killed {
			result.Killed++
		}
	}
	return result
}
