package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/handover-go/handover/shutdown"
)

// work takes jobs and does them until the intake has ended.
func (p *Pool[T]) work(pulling, doing context.Context, w *worker) {
	returned := false
	defer func() {
		if !returned { // a function has called runtime.Goexit: another takes the place
			p.enter("", func(next *worker) {
				next.failures, next.returned, next.counted = w.failures, w.returned, w.counted
				p.work(pulling, doing, next)
			})
		}
	}()
	for p.backOff(pulling, w) {
		job, err := p.take(pulling, w)
		if errors.Is(err, ErrClosed) {
			p.endOfSource()
			break
		}
		switch {
		case err == nil:
			p.pullWorks(w)
			p.handle(doing, w, job)
		case pulling.Err() == nil:
			p.pullFails(w, err)
		}
	}
	returned = true
}

// take counts a failure until it is known to be none, as runtime.Goexit cannot be
// caught.
func (p *Pool[T]) take(pulling context.Context, w *worker) (job T, err error) {
	w.failures++
	p.turn(w, "a pull that ignores its context", false)
	err = guard(func() (err error) {
		job, err = p.pull(pulling)
		return err
	})
	return job, err
}

// backOff waits after a failure, and after a job that was handed back, which many
// brokers deliver again at once. It reports whether there is a next pull.
func (p *Pool[T]) backOff(pulling context.Context, w *worker) bool {
	failures := max(w.failures, w.returned)
	if failures == 0 || pulling.Err() != nil {
		return pulling.Err() == nil
	}
	wait := p.cfg.BackoffMin
	for range failures - 1 {
		if wait > p.cfg.BackoffMax/2 {
			wait = p.cfg.BackoffMax
			break
		}
		wait *= 2
	}
	timer := time.NewTimer(wait - rand.N(wait/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-pulling.Done():
	}
	return pulling.Err() == nil
}

// pullFails makes one record of an outage, however many workers and attempts.
func (p *Pool[T]) pullFails(w *worker, err error) {
	if w.counted {
		return
	}
	w.counted = true
	p.mu.Lock()
	p.failing++
	first := p.failing == 1
	if first {
		p.failingSince = time.Now()
	}
	p.mu.Unlock()
	if first {
		p.cfg.logger().Warn("pulling jobs fails", "err", err)
	}
}

func (p *Pool[T]) pullWorks(w *worker) {
	w.failures = 0
	if !w.counted {
		return
	}
	w.counted = false
	p.mu.Lock()
	p.failing--
	last, took := p.failing == 0, time.Since(p.failingSince)
	p.mu.Unlock()
	if last {
		p.cfg.logger().Info("pulling jobs works again", "took", took)
	}
}

// handle does a job, or hands it back if there is no time to begin it.
func (p *Pool[T]) handle(doing context.Context, w *worker, job T) {
	p.turn(w, p.cfg.name(job), true)
	if doing.Err() != nil {
		_ = p.settle(doing, job, shutdown.ErrStopped)
		return
	}
	var err error
	returned := false
	defer func() {
		if !returned { // but called runtime.Goexit
			err = &PanicError{Stack: string(debug.Stack())}
		}
		if back := p.settle(doing, job, err); back && p.rest == nil && !p.isEnding() {
			w.returned++
		} else {
			w.returned = 0
		}
	}()
	err = guard(func() error { return p.do(doing, job) })
	returned = true
}

// settle decides what becomes of a job whose do has returned, and reports whether
// it goes back.
func (p *Pool[T]) settle(doing context.Context, job T, err error) (back bool) {
	if err == nil {
		return false
	}
	_, panicked := errors.AsType[*PanicError](err)
	unfinished := doing.Err() != nil || errors.Is(err, shutdown.ErrStopped)
	accountable := p.cfg.HandBack != nil || p.isEnding() // then Shutdown's error tells
	if panicked || !unfinished || !accountable {
		p.failed(doing, job, err)
	}
	back = (panicked || unfinished) && accountable
	if back {
		p.handBack(doing, job, err)
	}
	return back
}

func (p *Pool[T]) failed(ctx context.Context, job T, err error) {
	report := func() error {
		p.cfg.Failed(ctx, job, err)
		return nil
	}
	if failure := guard(report); failure != nil {
		p.cfg.logger().ErrorContext(ctx, "Config.Failed failed", "err", errors.Join(failure, err))
	}
}

// handBack gives a job to where it came from, or counts it as lost.
func (p *Pool[T]) handBack(ctx context.Context, job T, why error) {
	ctx, cancel := p.handing(ctx)
	defer cancel()
	err := fmt.Errorf("there is no Config.HandBack: %w", why)
	if p.cfg.HandBack != nil {
		err = guard(func() error { return p.cfg.HandBack(ctx, job, why) })
	}
	switch {
	case err == nil:
		p.mu.Lock()
		p.handedBack++
		p.mu.Unlock()
	case p.isEnding():
		p.lose(job, err)
	default:
		p.failed(ctx, job, fmt.Errorf("hand back: %w", err))
	}
}

// handing is the context of HandBack: that of do, which may have ended, with the
// deadline instead.
func (p *Pool[T]) handing(doing context.Context) (context.Context, context.CancelFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lasting := context.WithoutCancel(doing)
	if p.until.IsZero() {
		return context.WithCancel(lasting)
	}
	return context.WithDeadline(lasting, p.until)
}
