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
	}
	select {
	case <-s.stopped: // before ctx ended, or as it did
		return s.stopErr
	default:
		return context.Cause(ctx)
	}
}

// drain is one stop under way. Its times are those of the traffic's clock.
type drain struct {
	*Server
	departure  *traffic.Departure
	asked      time.Duration // when the signal came, or, where that is unknown, began
	began, end time.Duration // end is ctx's deadline
	lastCall   time.Duration // from here on a request might not finish
	hooksAt    time.Duration // from here on what RegisterOnShutdown is for has to begin
	lingerMax  time.Duration
	evidence   traffic.Evidence
	patience   traffic.Patience
	hooksRun   bool         // http.Server.Shutdown has been called: it runs its functions each time
	rpcStopped <-chan error // gRPC's own stop is under way
	killRPC    context.CancelCauseFunc
	report     Report
}

func (s *Server) drain(ctx context.Context, linger bool) error {
	d := s.newDrain(ctx, linger)
	d.warnOfBaseContext(ctx)
	s.traffic.Drain() // from here on, every response says that the connection ends
	d.step("shutdown")
	if linger && d.evidence.Any && !d.listenerClosed() {
		d.patience = traffic.Patience{Idle: d.evidence.Patience, New: d.evidence.Patience}
		d.linger(ctx)
		d.refuseLate(ctx)
		d.patience.New = 0
	}
	d.step("listener closing")
	d.closeListener()
	err := d.finish(ctx)
	if ctx.Err() == nil { // else it has been closed by force
		err = errors.Join(err, d.closeServer(ctx))
	} else {
		d.stopRPC(ctx)      // if ctx ended before the listener had closed
		_ = d.closeRPC(ctx) // by force, too; it says what has been said
	}
	d.waitForCalls(ctx)
	d.step("ended")
	d.conclude(ctx)
	return err
}

func (s *Server) newDrain(ctx context.Context, linger bool) *drain {
	now := s.traffic.Now()
	d := &drain{Server: s, asked: now, began: now, end: math.MaxInt64}
	if at, ok := haste.Since(ctx); ok {
		d.asked = min(now, s.traffic.At(at))
	}
	if at, ok := ctx.Deadline(); ok {
		d.end = s.traffic.At(at)
	}
	half := (d.end - d.began) / 2
	d.lingerMax = min(s.cfg.LingerMax, half) // leave half to what is in flight
	d.evidence = s.traffic.Evidence(s.cfg.LingerMin, d.lingerMax)
	// A request that comes later might not finish (ray-project/ray#63996).
	d.lastCall = d.end - min(d.evidence.Longest, half)
	d.hooksAt = d.began + half
	spread := traffic.Spread{} // without a linger all go at once
	if linger {
		spread = traffic.Spread{Idle: d.lingerMax * 9 / 10, HTTP2: d.lingerMax / 2, Long: half}
	}
	d.departure = s.traffic.Depart(spread)
	return d
}

// warnOfBaseContext finds the classic: the signal's context as BaseContext ends
// every request in flight at the signal, while the server politely waits for them.
func (d *drain) warnOfBaseContext(ctx context.Context) {
	d.mu.Lock()
	ended := d.baseEnded
	d.mu.Unlock()
	if ended == nil || ended() == nil {
		return
	}
	d.logger().WarnContext(ctx, "the http.Server's BaseContext has ended, and so have the contexts of all requests in flight: "+
		"do not derive it from the context that the signal ends", "addr", d.http.Addr, "err", ended())
}

// linger returns when nobody sends new connections any more, and no connection
// is left whose client might still be told to go away.
func (d *drain) linger(ctx context.Context) {
	last := d.began + d.lingerMax
	patience, begunAgain := d.patience, time.Duration(0)
	for {
		now := d.traffic.Now()
		unusedAt := d.traffic.UnusedAt(d.evidence, begunAgain)
		if patience.Idle = d.patience.Idle; now < unusedAt {
			patience.Idle = traffic.Forever
		}
		seen := d.look(now, patience)
		begunAgain = seen.BegunAgain
		quietAt, silence := d.traffic.QuietAt(d.evidence, begunAgain)
		d.report.Silence = silence
		if now >= last || (seen.Warm == 0 && now >= quietAt) {
			newest := d.traffic.LastNew()
			d.report.StillSent = newest > d.began && now < newest+silence
			return
		}
		next := min(seen.Next, last)
		for _, at := range []time.Duration{unusedAt, quietAt} {
			if now < at {
				next = min(next, at)
			}
		}
		if !d.wait(ctx, next-now) {
			return
		}
	}
}

// refuseLate keeps the listener open for as long as anything is in flight, where
// that was asked for.
func (d *drain) refuseLate(ctx context.Context) {
	if d.cfg.RetryAfter <= 0 {
		return
	}
	d.late.Store(true)
	for now := d.traffic.Now(); now < d.lastCall; now = d.traffic.Now() {
		if d.look(now, d.patience).Occupied == 0 || !d.wait(ctx, 10*pace) {
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
	for {
		now := d.traffic.Now()
		next := d.callLast(now)
		closed := d.listenerClosed()
		if closed {
			d.stopRPC(ctx)
		}
		seen := d.look(now, d.patience)
		next = min(next, seen.Next)
		switch {
		case !closed:
			next = now // the queue is emptied within milliseconds
		case d.traffic.Len() == 0:
			d.report.Finished = d.traffic.Finished()
			return nil
		}
		if now < d.hooksAt {
			next = min(next, d.hooksAt)
		}
		if closed {
			d.runHooks(now, seen)
		}
		if !d.wait(ctx, next-now) {
			return d.cut(ctx)
		}
	}
}

// callLast refuses what would not finish, from the last call on, and says when to
// look for it.
func (d *drain) callLast(now time.Duration) (next time.Duration) {
	if now < d.lastCall {
		return d.lastCall
	}
	if !d.late.Swap(true) {
		d.step("last call")
	}
	d.patience = traffic.Patience{}
	return math.MaxInt64
}

func (d *drain) look(now time.Duration, patience traffic.Patience) traffic.Seen {
	seen := d.departure.Look(now, patience)
	d.report.GivenUp, d.report.Told = seen.GivenUp, seen.Told
	return seen
}
