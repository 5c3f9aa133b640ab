package watchdog

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/probes"
)

// A Heartbeat is the sign of life of one loop. Each loop has its own: of two that
// share one, the first can die unseen. Make one with [Dog.Heartbeat].
type Heartbeat struct {
	dog   *Dog
	name  string
	limit time.Duration
	last  atomic.Int64 // the clock at the last beat, or paused
}

// paused is no moment of the clock.
const paused = -1

// Heartbeat makes the heartbeat of a loop whose rounds take less than limit, which
// must be more than zero: Run refuses others, and their checks fail. The name is
// that of the check.
//
// It is paused until its first beat, as it is not known when its loop begins. To
// find a loop that never does, beat once where the heartbeat is made; that counts
// from the beginning of Run.
func (d *Dog) Heartbeat(name string, limit time.Duration) *Heartbeat {
	h := &Heartbeat{dog: d, name: name, limit: limit}
	h.Pause()
	if fault := h.fault(); fault != nil {
		d.refuse(fault)
	}
	return h
}

// Beat says that the loop turns. It takes no lock, allocates nothing, and costs a
// nanosecond, or some more in the first of a tick: it may stand in any loop.
func (h *Heartbeat) Beat() {
	// A beat in the same tick writes nothing: writing costs more than reading, and
	// keeps other CPUs waiting.
	if now := h.dog.ticks.Load(); h.last.Load() != now {
		h.last.Store(now)
	}
}

// Pause says that nothing is expected of the loop until it beats again: that it
// waits for work, or has come to its end. Silence is then no sign of death.
func (h *Heartbeat) Pause() { h.last.Store(paused) }

// Check is for [probes.Set.Add]. It fails for the reason "late" when the last beat
// is older than the limit; or "unwatched" (see [Dog.Run]), or "invalid" for a limit
// that Run has refused. The fields may be changed. Run may be called by several at
// a time.
//
// The set believes it at the second run in a row (FailAfter 2), so it takes the
// limit and up to two Intervals. Not at the first, as the Timeout of a run is real
// time, and a stop of the process may fall into one.
func (h *Heartbeat) Check() probes.Check {
	return probes.Check{Name: h.name, Kind: probes.Liveness, FailAfter: 2, PassAfter: 1, Run: h.judge}
}

func (h *Heartbeat) judge(context.Context) error {
	if fault := h.fault(); fault != nil {
		return h.failure("invalid", fault)
	}
	if d := h.dog.unwatched(); d > h.limit {
		return h.failure("unwatched", fmt.Errorf("nobody watches: the first check was %v ago, and Run of the watchdog "+
			"has not begun: make it a component beside the checks", d))
	}
	now := h.dog.ticks.Load() // before the last beat is read, so that none looks older than it is
	last := h.last.Load()
	if last == paused {
		return nil
	}
	// One less, as the beat was somewhere within its tick.
	if silent := time.Duration(now-last-1) * h.dog.tick(); silent >= h.limit {
		return h.failure("late", fmt.Errorf("no beat for %v in which the process ran, limit %v", silent, h.limit))
	}
	return nil
}

func (h *Heartbeat) fault() error {
	if h.limit > 0 {
		return nil
	}
	return fmt.Errorf("heartbeat %q: the limit is %v: give more than zero, several times what a round of the loop takes", h.name, h.limit)
}

func (h *Heartbeat) failure(reason string, err error) error {
	return &probes.ReasonError{Reason: reason, Err: fmt.Errorf("watchdog: check %s: %w", h.name, err)}
}
