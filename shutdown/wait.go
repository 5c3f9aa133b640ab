package shutdown

import (
	"context"
	"time"
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
