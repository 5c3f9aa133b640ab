package ramp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Status is what a member knows, at one moment.
type Status struct {
	ID        string     // of this process
	Leader    string     // who takes the steps; empty if nobody is known to
	Met       time.Time  // when the store last answered, by the clock of this process; zero if never
	Err       error      // of the last call to the store; nil if all is well
	Instances []Instance // whose leases had not ended then; without an answer this process
	Ramps     []Progress // by key
}

// Progress is how far one ramp has come. Its times are the store's.
type Progress struct {
	Key      string             // of the flag
	State    State              // empty if it has not begun
	Share    float64            // of subjects for whom the flag is on, in percent
	Killed   bool               // in the store, for everybody
	Next     float64            // the next step, in percent; 0 if there is none
	Since    time.Time          // the present step began
	Left     time.Duration      // to bake
	Why      string             // of the last change
	Waiting  []string           // for what, and for whom
	Verdicts map[string]Guarded // by instance; of the one that leads, with Plan.Fleet, "all together" too
	History  []Entry            // the last 20 changes, the newest first
}

// Status answers from memory, of a leader what was so a Tick ago, and of others a third
// of the TTL. Without a store there are only the verdicts of this process.
func (m *Member) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Status{ID: m.cfg.ID, Met: m.met, Err: m.err}
	fleet := &Fleet{Instances: []Instance{m.me}}
	if m.fleet != nil {
		now := *m.fleet
		now.Now = now.Now.Add(time.Since(m.met))
		fleet = &now
		s.Leader, s.Instances = fleet.Leader, slices.Clone(fleet.Instances)
	}
	for _, key := range m.ramps(fleet) {
		s.Ramps = append(s.Ramps, m.progress(key, fleet))
	}
	slices.SortFunc(s.Ramps, func(a, b Progress) int { return strings.Compare(a.Key, b.Key) })
	return s
}

func (m *Member) progress(key string, fleet *Fleet) Progress {
	p := Progress{Key: key, Verdicts: m.evidence(key, fleet.verdicts(key))}
	if f := fleet.flag(key); f != nil {
		p.Share, _ = f.share()
		p.Killed, p.History = f.Killed, slices.Clone(f.History)
		if pos := f.Ramp; pos != nil {
			p.State, p.Since, p.Why = pos.State, pos.Since, pos.Why
		}
	}
	switch {
	case m.store == nil:
	case m.fleet == nil:
		p.Waiting = []string{"the store has not answered yet"}
	default:
		d := decide(key, m.plans[key], fleet, m.cfg.TTL)
		p.Next, p.Left, p.Waiting = d.next, d.left, d.waiting
	}
	return p
}

// Check tells whether ramps work: nil, or that the store has not answered for a TTL, or
// that a trip could not be written yet. Before Start and after Leave nobody is asked. Make
// it a degrading check: flags are served as they are, and guards kill here.
func (m *Member) Check(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	if m.unlisted {
		errs = append(errs, errors.New("ramp: a guard has tripped, and the store does not know yet"))
	}
	if m.store != nil && !m.left && !m.since.IsZero() && time.Since(m.since) > m.cfg.TTL {
		errs = append(errs, fmt.Errorf("ramp: the store has not answered for %s", m.cfg.TTL), m.err)
	}
	return errors.Join(errs...)
}
