package shutdown

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/internal/haste"
)

// Shutdown announces, lingers, closes the listener and waits for what is in
// flight; see the package comment for the timeline. At ctx's deadline it cuts
// what is left and returns a *CutError. It may be called at any time; a second
// call, of Close too, waits for the first.
func (s *Server) Shutdown(ctx context.Context) error {
	return s.stop(ctx, s.cfg.LingerMax > 0 && !haste.Asked(ctx))
}

// Close is Shutdown without the linger: it stops accepting at once, closes idle
// connections, and waits for what is in flight. It is for the server that
// nobody balances, such as the one with the probes.
func (s *Server) Close(ctx context.Context) error { return s.stop(ctx, false) }

func (s *Server) stop(ctx context.Context, linger bool) error {
	first := false
	s.stopOnce.Do(func() {
		first = true
		close(s.stopping)
	})
	if first {
		defer close(s.stopped)
		s.stopErr = s.drain(ctx, linger)
		return s.stopErr
	}
	select {
	case <-s.stopped:
		return s.stopErr
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// drain is one stop under way.
type drain struct {
	*Server
	began, end time.Duration // end: when ctx's deadline is
	patience   time.Duration // for how long an idle connection is left alone
	report     Report
}

func (s *Server) drain(ctx context.Context, linger bool) error {
	d := drain{Server: s, began: s.clock.exact(), end: math.MaxInt64}
	if at, ok := ctx.Deadline(); ok {
		d.end = at.Sub(s.clock.start)
	}
	s.announcing.Store(true)
	if linger && s.news.last.Load() != 0 {
		d.linger(ctx)
	}
	d.closeListener()
	err := d.finish(ctx)
	err = errors.Join(err, d.closeServer(ctx))
	d.conclude(ctx)
	return err
}

// linger returns when nobody sends new connections any more, and no connection
// is left whose client might still be told to go away.
//
// New connections alone are not enough to watch. A proxy that still sends here
// may need none for long, while it uses those it has pooled; but each answer now
// ends one of those, and so the new ones appear.
func (d *drain) linger(ctx context.Context) {
	last := d.began + d.lingerMax()
	d.patience = d.reuse.silence(d.cfg.LingerMin, d.lingerMax())
	d.report.Silence = d.news.silence(d.cfg.LingerMin, d.lingerMax())
	d.further.Store(int64(d.lastBegunAgain()))
	for {
		now := d.clock.exact()
		warm, next := d.sweep(now)
		quietAt := d.quietAt()
		if now >= last || (warm == 0 && now >= quietAt) {
			return
		}
		if now < quietAt {
			next = min(next, quietAt)
		}
		if !d.wait(ctx, min(next, last)-now) {
			return
		}
	}
}

// quietAt is when all has been quiet for long enough, if it stays so.
func (d *drain) quietAt() (at time.Duration) {
	for event, silence := range map[*atomic.Int64]time.Duration{
		&d.news.last: d.report.Silence,
		&d.further:   d.patience,
		&d.told:      comeBack,
	} {
		if last := event.Load(); last != 0 {
			at = max(at, time.Duration(last)+silence)
		}
	}
	return at
}

// lastBegunAgain is when the last request on an old connection came, of those
// that are in flight.
func (d *drain) lastBegunAgain() time.Duration {
	var last time.Duration
	for _, c := range d.conns.list() {
		if seen := c.load(); seen.phase() == busy && c.again.Load() {
			last = max(last, seen.since())
		}
	}
	return last
}

// lingerMax leaves what is in flight half of the time.
func (d *drain) lingerMax() time.Duration {
	return min(d.cfg.LingerMax, (d.end-d.began)/2)
}

func (d *drain) closeListener() {
	d.mu.Lock()
	l, serving := d.listener, d.serving
	d.mu.Unlock()
	switch {
	case l == nil:
	case serving:
		l.drain()
	default: // nobody accepts, so nobody can empty the queue
		_ = l.Close()
	}
}

// finish waits until no connection is left, or cuts.
func (d *drain) finish(ctx context.Context) error {
	// The latest moment to give up what is idle: a request that came later might
	// not finish (ray-project/ray#63996).
	lastCall := d.end - min(d.requests.longest(), (d.end-d.began)/2)
	for {
		now := d.clock.exact()
		if now >= lastCall {
			d.patience = 0
		}
		_, next := d.sweep(now)
		if d.accepted() && len(d.conns.list()) == 0 {
			return nil
		}
		if now < lastCall {
			next = min(next, lastCall)
		}
		if !d.wait(ctx, next-now) {
			return d.cut(ctx)
		}
	}
}

// accepted reports whether the listener has been emptied and closed.
func (d *drain) accepted() bool {
	d.mu.Lock()
	l := d.listener
	d.mu.Unlock()
	if l == nil {
		return true
	}
	select {
	case <-l.closed:
		if d.report.ListenerClosed == 0 {
			d.report.ListenerClosed = d.clock.exact() - d.began
		}
		return true
	default:
		return false
	}
}

// closeServer lets net/http run what was registered for its shutdown. Nothing is
// left for it to throw away.
func (d *drain) closeServer(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil // cutAll has closed it
	}
	return d.http.Shutdown(ctx)
}
