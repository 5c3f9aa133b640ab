package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/handover-go/handover/shutdown/internal/told"
)

// ErrClosed is returned by a pull that will have no more jobs. It is not io.EOF,
// which is also what a broken connection says.
var ErrClosed = errors.New("no more jobs")

// Pool is a number of workers, each of which takes one job and does it, over and
// over. Its methods are safe for concurrent use, and have the form in which
// components are written. It has two of them: Pause stands in the last place,
// told at the signal, Shutdown in the pool's own, above what the jobs need.
//
//	app.Add(lifecycle.Component{Name: "jobs", Run: jobs.Run, Stop: jobs.Shutdown})
//	app.Together(…, lifecycle.Component{Name: "jobs intake", Stop: jobs.Pause})
//
// Make one with New.
type Pool[T any] struct {
	pull     func(context.Context) (T, error)
	do       func(context.Context, T) error
	cfg      Config[T]
	mistake  error         // in the arguments of New; Run returns it
	rest     <-chan T      // of a Queue: what nobody has taken; closed when its intake has ended
	draining told.Signal   // in the context of do
	idle     chan struct{} // closed when the last worker has gone
	stopped  chan struct{} // closed when Shutdown has finished
	stopOnce sync.Once
	stopErr  error // readable once stopped is closed

	mu        sync.Mutex
	workers   map[*worker]struct{}
	started   bool
	paused    bool      // by who stops; not by ErrClosed
	ending    bool      // Shutdown has begun, or the context of Run has ended
	aborted   bool      // it was the latter
	until     time.Time // the end of handing back; zero: none yet
	endIntake func()    // of a Pool: nil before Run
	cancelDo  context.CancelCauseFunc

	failing      int // workers whose last pull has failed
	failingSince time.Time
	handedBack   int
	lost         []error
}

// New makes a pool of cfg.Count workers.
//
// pull waits for a job and returns it. Its context ends at Pause; a job that it
// returns nevertheless is done. After ErrClosed no more is pulled, and Run returns
// when all is done. After any other error it is called again, in a while; that a
// poll has found nothing is none, so pull has to go on waiting.
//
// do does a job. Its context, with the values of Run's, lives through Pause and
// most of Shutdown; see Config.Margin for its end. A job that may take longer
// than there is time listens to shutdown.Draining(ctx), stops where it can go on
// later, and returns nil, or shutdown.ErrStopped to be handed back.
func New[T any](pull func(context.Context) (T, error), do func(context.Context, T) error, cfg Config[T]) *Pool[T] {
	p := &Pool[T]{
		pull: pull, do: do, cfg: cfg.withDefaults(),
		idle: make(chan struct{}), stopped: make(chan struct{}),
		workers: make(map[*worker]struct{}),
	}
	p.draining.Go = func(f func()) {
		if !p.enter("a function of shutdown.OnDraining", func(*worker) { f() }) {
			go f() // of who has outlived its job
		}
	}
	switch {
	case pull == nil || do == nil:
		p.mistake = errors.New("shutdown: run workers: a function is nil: give New one that takes a job, and one that does it; NewQueue, one that does it")
	case cfg.Count < 0:
		p.mistake = fmt.Errorf("shutdown: run workers: Config.Count is %d: give it 1 or more, or 0 for 1", cfg.Count)
	}
	return p
}

// Run works. It returns nil when Shutdown has finished, or when the source has
// ended and all is done, which stops the app in order: right for a batch. If ctx
// ends without Shutdown, the context of do ends too, what is not done is handed
// back, and Run returns ctx's error. So it must not be the context that the signal
// ends.
func (p *Pool[T]) Run(ctx context.Context) error {
	lasting := context.WithoutCancel(ctx)
	pulling, endPulling := context.WithCancel(lasting)
	defer endPulling()
	doing, cancelDo := context.WithCancelCause(told.With(lasting, &p.draining))
	defer cancelDo(nil)
	workers, err := p.start(endPulling, cancelDo)
	if workers == nil {
		return err
	}
	for _, w := range workers {
		p.launch(w, func(w *worker) { p.work(pulling, doing, w) })
	}
	unwatch := context.AfterFunc(ctx, func() { p.abort(lasting) })
	defer unwatch()
	select {
	case <-p.idle:
	case <-p.stopped: // at the deadline; who is still there has been named
		return nil
	}
	if !p.isPaused() {
		return nil // the source has ended
	}
	select {
	case <-p.stopped:
		return nil
	case <-ctx.Done():
	}
	if !p.abort(lasting) {
		<-p.stopped // in a moment: all workers have gone
		return nil
	}
	if lost := p.lostError(); lost != nil {
		return lost // and not context.Canceled beside it, which is no error to many
	}
	return fmt.Errorf("shutdown: run workers: %w", ctx.Err())
}

// start enters the workers, all of them before the first can leave.
func (p *Pool[T]) start(endPulling func(), cancelDo context.CancelCauseFunc) ([]*worker, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.mistake != nil:
		return nil, p.mistake
	case p.workers == nil:
		return nil, errors.New("shutdown: run workers: the Pool is a zero value: make it with New")
	case p.ending:
		return nil, nil
	case p.started:
		return nil, errors.New("shutdown: run workers: Run was called before")
	}
	p.started, p.cancelDo = true, cancelDo
	if p.endIntake == nil {
		p.endIntake = endPulling
	}
	if p.paused {
		p.endIntake()
	}
	workers := make([]*worker, p.cfg.Count)
	for i := range workers {
		workers[i] = p.add("")
	}
	return workers, nil
}
