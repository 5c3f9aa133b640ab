package shutdown

import (
	"context"

	"github.com/handover-go/handover/shutdown/internal/told"
)

// Draining returns a channel that is closed when the request, the upgraded
// connection or the job to which ctx belongs should come to an end: an event
// stream says goodbye, a long poll answers that there is nothing, a WebSocket is
// closed with 1001. ctx itself stays alive, so that the end can be a proper one.
//
//	select {
//	case event := <-events:
//	case <-shutdown.Draining(r.Context()):
//	case <-r.Context().Done():
//	}
//
// It belongs to the request, and to the connection if that is upgraded. Those who
// listen are told a few at a time, at least 200 a second and all within half of the
// time that is left, since their clients come back as soon as they are told. One
// that came while the server was draining is told no sooner than a second after.
//
// For a context that does not come from a Server, or from package worker, it is
// nil, which is never ready.
func Draining(ctx context.Context) <-chan struct{} {
	if signal := told.From(ctx); signal != nil {
		return signal.C()
	}
	return nil
}

// OnDraining calls f on a goroutine of its own when Draining(ctx) is closed, for
// work that is blocked in a read and cannot select:
//
//	defer shutdown.OnDraining(r.Context(), func() { c.Close(websocket.StatusGoingAway, "") })()
//
// Shutdown waits for f. stop takes it back, and reports whether f will not be
// called, as that of context.AfterFunc does. For a context that does not come from
// a Server, or from package worker, f is never called: give it the request's
// context, or one that is made from it.
func OnDraining(ctx context.Context, f func()) (stop func() bool) {
	if signal := told.From(ctx); signal != nil {
		return signal.On(f)
	}
	return func() bool { return true }
}
