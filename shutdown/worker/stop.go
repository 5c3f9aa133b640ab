package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/handover-go/handover/shutdown"
)

const (
	// handingBack is the time for it when nobody has set a deadline.
	handingBack = time.Second
	// mostNamed keeps an error readable.
	mostNamed = 5
)

// Pause takes no more jobs, and returns at once: what is in flight goes on.
func (p *Pool[T]) Pause(context.Context) error {
	p.mu.Lock()
	p.paused = true
	end := p.endIntake
	p.mu.Unlock()
	if end != nil {
		end()
	}
	return nil
}

// Shutdown takes no more jobs, tells those in flight by shutdown.Draining, and
// returns when they are done. Config.Margin before ctx's deadline it cancels the
// context of do, and hands back what is not done. At the deadline it returns a
// *shutdown.CutError that names who is still at work; what could not be handed back
// is an error too. It may be called at any time, before Run as well; a second call
// waits for the first.
func (p *Pool[T]) Shutdown(ctx context.Context) error {
	first := false
	p.stopOnce.Do(func() { first = true })
	if first {
		defer close(p.stopped)
		p.stopErr = p.stop(ctx)
		return p.stopErr
	}
	select {
	case <-p.stopped:
		return p.stopErr
	case <-ctx.Done():
	}
	select {
	case <-p.stopped: // whatever has become of ctx
		return p.stopErr
	default:
		return fmt.Errorf("shutdown: stop workers: %w", context.Cause(ctx))
	}
}

func (p *Pool[T]) stop(ctx context.Context) error {
	began := time.Now()
	until, limited := ctx.Deadline()
	left, margin := time.Until(until), time.Duration(0)
	if limited {
		margin = p.cfg.margin(left)
		until = until.Add(-margin / 10) // to be back before the deadline
	}
	p.mu.Lock()
	p.ending, p.until = true, until // there will be no Run any more
	started := p.started
	p.mu.Unlock()
	_ = p.Pause(ctx) // has no error
	p.draining.Tell()
	if !started { // nobody will take what is there
		p.enter("handing back", func(w *worker) { p.handBackRest(ctx, w) })
	}
	giveUp := make(<-chan time.Time)
	if limited {
		timer := time.NewTimer(left - margin)
		defer timer.Stop()
		giveUp = timer.C
	}
	select {
	case <-p.idle:
	case <-giveUp:
		p.giveUp(ctx)
	case <-ctx.Done():
		p.giveUp(ctx)
	}
	select {
	case <-p.idle:
	case <-ctx.Done():
	}
	return p.conclude(ctx, began, started)
}

// giveUp cancels what is being done. What has not been begun is handed back beside
// the workers, who may be held by jobs that ignore their context.
func (p *Pool[T]) giveUp(ctx context.Context) {
	p.mu.Lock()
	if p.until.IsZero() {
		p.until = time.Now()
	}
	cancel := p.cancelDo
	p.mu.Unlock()
	if cancel != nil {
		cancel(context.DeadlineExceeded)
	}
	if p.rest != nil {
		p.enter("handing back", func(w *worker) { p.handBackRest(ctx, w) })
	}
}

// abort is what the end of Run's context does, but for a Shutdown that has begun
// before. It reports whether it was the first of the two.
func (p *Pool[T]) abort(ctx context.Context) bool {
	p.mu.Lock()
	first := !p.ending
	if first {
		p.ending, p.aborted, p.until = true, true, time.Now().Add(handingBack)
	}
	aborted := p.aborted
	p.mu.Unlock()
	if first {
		_ = p.Pause(ctx) // has no error
		p.draining.Tell()
		p.giveUp(ctx)
	}
	return aborted
}

func (p *Pool[T]) handBackRest(ctx context.Context, w *worker) {
	if p.rest == nil {
		return
	}
	for job := range p.rest {
		p.turn(w, p.cfg.name(job), true)
		p.handBack(ctx, job, shutdown.ErrStopped)
	}
}

// conclude names what has not come to an end, and what is lost.
func (p *Pool[T]) conclude(ctx context.Context, began time.Time, started bool) error {
	if p.rest != nil {
		for job := range p.rest {
			p.lose(job, cmp.Or(context.Cause(ctx), shutdown.ErrStopped))
		}
	}
	var cutErr error
	cuts := p.cuts()
	if len(cuts) > 0 {
		cutErr = &shutdown.CutError{Cut: cuts, Cause: context.Cause(ctx)}
	}
	if started {
		p.mu.Lock()
		handedBack, lost := p.handedBack, len(p.lost)
		p.mu.Unlock()
		p.cfg.logger().InfoContext(ctx, "workers stopped", "took", time.Since(began),
			"handed_back", handedBack, "lost", lost, "cut", len(cuts))
	}
	return errors.Join(cutErr, p.lostError())
}

func (p *Pool[T]) lose(job T, err error) {
	err = fmt.Errorf("shutdown: hand back %s: %w", p.cfg.name(job), err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = append(p.lost, err)
}

func (p *Pool[T]) lostError() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	named := slices.Clone(p.lost[:min(len(p.lost), mostNamed)])
	if more := len(p.lost) - len(named); more > 0 {
		named = append(named, fmt.Errorf("shutdown: hand back: and %d more", more))
	}
	return errors.Join(named...)
}

// endOfSource ends the intake for all, if pull has said that there is no more.
func (p *Pool[T]) endOfSource() {
	p.mu.Lock()
	end := p.endIntake
	p.mu.Unlock()
	end()
}

func (p *Pool[T]) isPaused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused
}

func (p *Pool[T]) isEnding() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ending
}
