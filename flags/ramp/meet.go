package ramp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/handover-go/handover/internal/lease"
)

// meet renews the lease, and does what a leader does, until ctx ends.
func (m *Member) meet(ctx context.Context) {
	for ctx.Err() == nil {
		err := m.attend(ctx)
		pause := m.lead.Pause(err)
		if m.lead.Held() {
			m.advance(ctx)
			pause = m.cfg.Tick
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-m.look:
			if err != nil {
				sleep(ctx, m.cfg.Tick) // whatever is new, the store is asked no more often
			}
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// attend tells the others of us, and takes what they tell.
func (m *Member) attend(ctx context.Context) error {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-m.turn }()
	m.mu.Lock()
	left := m.left
	if left {
		m.mu.Unlock()
		return nil
	}
	m.joined = true
	if m.since.IsZero() {
		m.since = time.Now()
	}
	call := Call{Me: m.me, TTL: m.cfg.TTL, Keys: m.keys(), Samples: m.take(), After: m.after}
	m.mu.Unlock()
	var fleet Fleet
	err := m.lead.Renew(ctx, func(ctx context.Context) (err error) {
		fleet, err = m.store.Attend(ctx, call)
		if err == nil && fleet.Leader != m.cfg.ID {
			return lease.ErrGone // another has it
		}
		return err
	})
	if errors.Is(err, lease.ErrGone) {
		err = nil
	}
	m.note(ctx, call.Me, &fleet, err)
	return err
}

// note keeps what was told, and logs what is news.
func (m *Member) note(ctx context.Context, me Instance, fleet *Fleet, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.fleet
	switch {
	case err == nil:
		if m.err != nil {
			m.logger().Info("ramp: the store works again")
		}
		m.err, m.told, m.fleet, m.met = nil, me, fleet, time.Now()
		m.since = m.met
		m.samples = nil
		m.weigh(fleet.Samples)
		fleet.Samples = nil
		if was == nil || was.Leader != fleet.Leader {
			m.logger().Info("ramp: leader", "id", fleet.Leader, "here", fleet.Leader == m.cfg.ID)
		}
	case ctx.Err() != nil && m.err == nil: // it is the end, and no error of the store
	case m.err == nil:
		m.logger().Warn("ramp: the store does not answer: nothing is widened, guards kill here", "err", err)
		fallthrough
	default:
		m.err = fmt.Errorf("ramp: meet: %w", err)
	}
}

// advance does for each ramp what is to be done.
func (m *Member) advance(ctx context.Context) {
	m.mu.Lock()
	fleet := m.fleet
	m.mu.Unlock()
	for _, key := range m.ramps(fleet) {
		d := decide(key, m.plans[key], fleet, m.cfg.TTL)
		if d.move != nil && m.lead.Held() {
			d.waiting = m.do(ctx, fleet, *d.move)
		}
		m.say(key, d.waiting)
	}
}

// ramps are the flags that a plan is for, of ours or in their definitions.
func (m *Member) ramps(fleet *Fleet) []string {
	keys := m.keys()
	for _, f := range fleet.Flags {
		if _, planned := m.plans[f.Key]; !planned {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

// do moves a ramp. It returns why it has not.
func (m *Member) do(ctx context.Context, fleet *Fleet, move Move) (why []string) {
	move.By = m.cfg.ID
	m.mu.Lock()
	move.Evidence, _ = json.Marshal(m.evidence(move.Key, fleet.verdicts(move.Key)))
	m.mu.Unlock()
	if err := m.move(ctx, move); err != nil {
		return []string{err.Error()}
	}
	m.logger().Info("ramp: moved", "flag", move.Key, "state", string(move.State), "share", move.Share, "why", move.Why)
	return nil
}

// say logs what is waited for, when it changes: not each second what is left to bake.
func (m *Member) say(key string, waiting []string) {
	var all []string
	for _, w := range waiting {
		if !strings.HasPrefix(w, "it bakes for") && !strings.HasPrefix(w, "the guards have seen") {
			all = append(all, w)
		}
	}
	text := strings.Join(all, "; ")
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.said[key] == text {
		return
	}
	m.said[key] = text
	if text != "" {
		m.logger().Info("ramp: waits", "flag", key, "for", text)
	}
}
