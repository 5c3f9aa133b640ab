package shutdown

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/handover-go/handover/internal/haste"
	"github.com/handover-go/handover/shutdown/internal/traffic"
)

// pace is the shortest time between two looks at the connections, however many
// of them end.
const pace = 5 * time.Millisecond

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

// drain is one stop under way. Its times are those of the traffic's clock.
type drain struct {
	*Server
	began, end time.Duration // end is ctx's deadline
	lingerMax  time.Duration
	evidence   traffic.Evidence
	patience   time.Duration // with idle connections
	hooksRun   bool          // http.Server.Shutdown has been called: it runs its functions each time
	report     Report
}

func (s *Server) drain(ctx context.Context, linger bool) error {
	d := drain{Server: s, began: s.traffic.Now(), end: math.MaxInt64}
	if at, ok := ctx.Deadline(); ok {
		d.end = s.traffic.At(at)
	}
	d.lingerMax = min(s.cfg.LingerMax, (d.end-d.began)/2) // leave half to what is in flight
	d.evidence = s.traffic.Evidence(s.cfg.LingerMin, d.lingerMax)
	s.traffic.Drain() // from here on, every response says that the connection ends
	if linger && d.evidence.Any {
		d.patience = d.evidence.Patience
		d.linger(ctx)
	}
	d.closeListener()
	err := d.finish(ctx)
	if ctx.Err() == nil { // else it has been closed by force
		err = errors.Join(err, d.closeServer(ctx))
	}
	d.conclude(ctx)
	return err
}

// linger returns when nobody sends new connections any more, and no connection
// is left whose client might still be told to go away.
func (d *drain) linger(ctx context.Context) {
	last := d.began + d.lingerMax
	for {
		now := d.traffic.Now()
		swept := d.sweep(now, d.patience)
		quietAt, silence := d.traffic.QuietAt(d.evidence)
		d.report.Silence = silence
		if now >= last || (swept.Warm == 0 && now >= quietAt) {
			return
		}
		next := min(swept.Next, last)
		if now < quietAt {
			next = min(next, quietAt)
		}
		if !d.wait(ctx, next-now) {
			return
		}
	}
}

func (d *drain) closeListener() {
	d.mu.Lock()
	l, serving := d.listener, d.serving
	d.mu.Unlock()
	switch {
	case l == nil:
	case serving:
		l.Drain()
	default: // nobody accepts, so nobody can empty the queue
		_ = l.Close()
	}
}

// finish waits until no connection is left, or cuts.
func (d *drain) finish(ctx context.Context) error {
	// The latest moment to give up what is idle: a request that came later might
	// not finish (ray-project/ray#63996).
	lastCall := d.end - min(d.evidence.Longest, (d.end-d.began)/2)
	for {
		now := d.traffic.Now()
		patience, next := d.patience, lastCall
		if now >= lastCall {
			patience, next = 0, math.MaxInt64
		}
		closed := d.listenerClosed()
		next = min(next, d.sweep(now, patience).Next)
		switch {
		case !closed:
			next = now // the queue is emptied within milliseconds
		case d.traffic.Len() == 0:
			return nil
		}
		if closed && d.traffic.OnlyHijacked() {
			// Programs tell their hijacked connections to end with a function of
			// RegisterOnShutdown; without it they would be waited for in vain.
			if err := d.closeServer(ctx); err != nil {
				return errors.Join(err, d.cut(ctx))
			}
		}
		if !d.wait(ctx, next-now) {
			return d.cut(ctx)
		}
	}
}

// closeServer lets net/http run, once, what was registered for its shutdown.
// Nothing is left for it to throw away.
func (d *drain) closeServer(ctx context.Context) error {
	if d.hooksRun {
		return nil
	}
	d.hooksRun = true
	return d.http.Shutdown(ctx)
}

func (d *drain) listenerClosed() bool {
	d.mu.Lock()
	l := d.listener
	d.mu.Unlock()
	if l == nil {
		return true
	}
	select {
	case <-l.Closed():
		if d.report.ListenerClosed == 0 {
			d.report.ListenerClosed = d.traffic.Now() - d.began
		}
		return true
	default:
		return false
	}
}

func (d *drain) sweep(now, patience time.Duration) traffic.Swept {
	swept := d.traffic.Sweep(now, patience)
	d.report.GivenUp += swept.GivenUp
	return swept
}

// wait returns after at most limit, or when something has ended; false when ctx
// has.
func (d *drain) wait(ctx context.Context, limit time.Duration) bool {
	rest := time.NewTimer(pace)
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
		return false
	}
	if limit <= pace {
		return true
	}
	timer := time.NewTimer(limit - pace)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.traffic.Ended():
	case <-ctx.Done():
		return false
	}
	return true
}
