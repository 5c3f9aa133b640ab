package ramp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
)

// watched is a guard, and what came of it. The member's mu guards it.
type watched struct {
	guard   Guard
	fleet   *guard.Judge    // of all members; nil if there is none
	xguard  json.RawMessage // whose bounds they have; nil: their own
	began   time.Time       // of the step that it has been told of, as the store has it
	verdict guard.Verdict
	tripped bool
	why     string
	written bool // in the store
}

// watch looks at the guards, and at what is in force, until ctx ends. It asks nobody.
func (m *Member) watch(ctx context.Context) {
	ticker := time.NewTicker(m.cfg.Tick)
	defer ticker.Stop()
	for {
		m.glance()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			m.glance() // what has tripped last is killed
			return
		}
	}
}

// glance looks once.
func (m *Member) glance() {
	seen, stale := m.see()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.me = Instance{ID: m.cfg.ID, Version: m.cfg.Version, Stale: stale, Flags: seen, Guards: map[string]Guarded{}}
	for key, w := range m.guards {
		m.ask(key, w)
		m.me.Guards[key] = Guarded{Verdict: finite(w.verdict), Began: w.began}
	}
	if m.me.differs(m.told) {
		nudge(m.look)
	}
}

// see is what is in force.
func (m *Member) see() (seen map[string]Seen, stale bool) {
	report := m.client.Report()
	seen = map[string]Seen{}
	for _, f := range report.Flags {
		if f.Declared {
			if f.Problem == flags.CodeTypeMismatch { // Type is the set's
				f.Type = "something else"
			}
			version := m.client.Explain(f.Key, flags.Subject{}).Version
			seen[f.Key] = Seen{Type: f.Type, Set: version, Killed: f.Killed != ""}
		}
	}
	return seen, report.Stale || report.Origin != flags.OriginSource
}

// ask asks a guard, and kills the flag the first time that it has tripped: if a person
// takes the kill back, it stays taken back. m.mu is held.
func (m *Member) ask(key string, w *watched) {
	m.bound(key, w)
	var problem string
	if f := m.fleet.flag(key); f != nil && f.Ramp != nil && !f.Ramp.Since.Equal(w.began) && m.me.Flags[key].has(f.Ramp.Revision) {
		if problem = careful(w.guard.Step); problem == "" {
			w.began = f.Ramp.Since
		}
	}
	verdict := guard.Verdict{}
	problem = cmp.Or(problem, careful(func() { verdict = w.guard.Verdict() }))
	if problem != "" && verdict.State != guard.Tripped { // what it says may be of the step before
		verdict = guard.Verdict{State: guard.Holding, Why: problem}
	}
	w.verdict = verdict
	if w.verdict.State == guard.Tripped {
		m.trips(key, w, "its guard has tripped: "+w.verdict.Why)
	}
}

// bound hands on the bounds that the definition in force has, when they change. m.mu is
// held.
func (m *Member) bound(key string, w *watched) {
	xguard := m.client.Extension(key, "x-guard")
	if bytes.Equal(xguard, w.xguard) {
		return
	}
	w.xguard = xguard
	var all []bounded
	if b, ok := w.guard.(bounded); ok { // else nobody can change its bounds
		all = append(all, b)
	}
	if w.fleet != nil {
		all = append(all, w.fleet)
	}
	for _, b := range all {
		var err error
		if problem := careful(func() { err = b.Bounds(xguard) }); problem != "" {
			err = errors.New(problem)
		}
		if err != nil {
			m.logger().Error("ramp: the bounds of the guard stay", "flag", key, "err", unplaced(err))
			return
		}
	}
	if len(all) > 0 {
		m.logger().Info("ramp: the guard has other bounds", "flag", key, "bounds", string(xguard))
	}
}

// trips kills a flag, once. m.mu is held.
func (m *Member) trips(key string, w *watched, why string) {
	if w.tripped {
		return
	}
	w.tripped, w.why = true, why
	err := m.client.Kill(key, why)
	m.logger().Error("ramp: killed", "flag", key, "why", why, "err", err)
	nudge(m.kill)
}

// careful calls what is not ours, and tells of a panic.
func careful(call func()) (problem string) {
	defer func() {
		if r := recover(); r != nil {
			problem = fmt.Sprintf("the guard panics: %v", r)
		}
	}()
	call()
	return ""
}

// tell writes trips to the store, until they are written.
func (m *Member) tell(ctx context.Context) {
	for {
		select {
		case <-m.kill:
		case <-ctx.Done():
			return
		}
		for !m.trip(ctx) && ctx.Err() == nil {
			sleep(ctx, m.cfg.Tick)
		}
	}
}

// trip writes what has tripped, and reports whether all of it is written.
func (m *Member) trip(ctx context.Context) bool {
	if m.store == nil {
		return true
	}
	m.mu.Lock()
	var moves []Move
	for key, w := range m.guards {
		if w.tripped && !w.written {
			evidence, _ := json.Marshal(m.evidence(key, map[string]Guarded{m.cfg.ID: {Verdict: finite(w.verdict), Began: w.began}}))
			moves = append(moves, Move{Key: key, By: m.cfg.ID, Why: w.why, Trip: true, Evidence: evidence})
		}
	}
	m.unlisted = len(moves) > 0
	m.mu.Unlock()
	all := true
	for _, move := range moves {
		if err := m.move(ctx, move); err != nil {
			all = false
			continue
		}
		m.mu.Lock()
		m.guards[move.Key].written = true
		m.mu.Unlock()
	}
	m.mu.Lock()
	m.unlisted = !all
	m.mu.Unlock()
	return all
}

// move has a time of its own, so that no store is waited for longer than for a lease.
func (m *Member) move(ctx context.Context, move Move) error {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.TTL/3)
	defer cancel()
	return m.store.Move(ctx, move)
}

// finite is a verdict that JSON can hold.
func finite(v guard.Verdict) guard.Verdict {
	v.Metrics = slices.Clone(v.Metrics)
	for i := range v.Metrics {
		for _, number := range []*float64{&v.Metrics[i].Evidence, &v.Metrics[i].Threshold, &v.Metrics[i].Bound} {
			if math.IsNaN(*number) {
				*number = 0
			}
			*number = min(max(*number, -math.MaxFloat64), math.MaxFloat64)
		}
	}
	return v
}

// differs reports whether others want to know soon: not of a count that has grown.
func (i Instance) differs(told Instance) bool {
	if i.Stale != told.Stale || len(i.Flags) != len(told.Flags) || len(i.Guards) != len(told.Guards) {
		return true
	}
	for key, seen := range i.Flags {
		if told.Flags[key] != seen {
			return true
		}
	}
	for key, g := range i.Guards {
		was := told.Guards[key]
		if g.State != was.State || !g.Began.Equal(was.Began) {
			return true
		}
	}
	return false
}

// nudge wakes who waits; if nobody does yet it will not wait.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
