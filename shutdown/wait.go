package shutdown

import (
	"context"
	"time"

	"github.com/handover-go/handover/shutdown/internal/traffic"
)

// closeServer lets net/http run, once, what was registered for its shutdown.
// Nothing is left for it to throw away.
func (d *drain) closeServer(ctx context.Context) error {
	if d.hooksRun {
		return nil
	}
	d.hooksRun = true
	if d.rpc != nil {
		return d.closeRPC(ctx)
	}
	return d.http.Shutdown(ctx)
}

// runHooks lets net/http run what was registered for its shutdown, beside what is
// in flight. Programs tell their hijacked connections to end with such a function;
// without it they would be waited for in vain.
//
// From then on net/http throws away what it reads (golang/go#75591), so nothing may
// be left that could bring a request. That is so when all are hijacked. Otherwise it
// is put off: for half of the time where anything is hijacked, else until the last
// call, after which requests are refused anyway.
func (d *drain) runHooks(now time.Duration, seen traffic.Seen) {
	at := d.lastCall
	if d.traffic.Hijacked() > 0 {
		at = d.hooksAt
	}
	if d.traffic.OnlyHijacked() || seen.Warm == 0 && now >= at {
		d.hooks()
	}
}

func (d *drain) hooks() {
	if d.hooksRun || d.rpc != nil {
		return
	}
	d.hooksRun = true
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = d.http.Shutdown(ended) // which does not wait: that is up to us
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
			d.report.ListenerClosed = d.since(d.traffic.Now())
		}
		return true
	default:
		return false
	}
}

// waitForCalls waits for what OnDraining has called. At the deadline they are on
// their own, as a handler is that ignores its context.
func (d *drain) waitForCalls(ctx context.Context) {
	select {
	case <-d.traffic.Calls():
	case <-ctx.Done():
	}
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
