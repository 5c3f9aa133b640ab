package probes

import "github.com/handover-go/handover/probes/internal/answer"

// A Toggle is switched by a person: while it is on, the instance is not ready, for
// maintenance, say. Its methods may be called at any time, from any goroutine; a
// nil Toggle, which Set.Toggle returns with its error, does nothing.
type Toggle struct {
	set   *Set
	entry *entry
}

// Toggle adds a toggle of readiness, which is off. The name is as that of a check.
func (s *Set) Toggle(name string) (*Toggle, error) {
	e, err := s.place("toggle", Check{Name: name, Kind: Readiness}, answer.None, nil)
	if err != nil {
		return nil, err
	}
	return &Toggle{s, e}, nil
}

// Switch turns it on or off, and logs that where it was not so before.
func (t *Toggle) Switch(on bool) {
	if t == nil {
		return
	}
	reason := answer.None
	if on {
		reason = answer.On
	}
	s, e := t.set, t.entry
	s.mu.Lock()
	switched := e.verdict.Reason != reason
	e.judged = s.now()
	e.set(reason, false, s.now())
	s.publish(Readiness)
	s.mu.Unlock()
	if switched {
		s.logger().Warn("probes: toggle is switched", "toggle", e.Name, "on", on)
	}
}

// On reports whether it is on.
func (t *Toggle) On() bool {
	if t == nil {
		return false
	}
	t.set.mu.Lock()
	defer t.set.mu.Unlock()
	return t.entry.verdict.Reason == answer.On
}
