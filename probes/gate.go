package probes

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/probes/internal/answer"
)

// A Gate is opened once, when something that the start needs is there: a cache is
// warm, a migration has run. Until then its endpoint is 503, and says how far it
// is. Its methods may be called at any time, from any goroutine; a nil Gate, which
// Set.Gate returns with its error, does nothing.
type Gate struct {
	set   *Set
	entry *entry
}

// Gate adds a gate, which is closed, for Startup or Readiness: one of Startup
// holds readiness back as well, and cannot be added when the startup is over. The
// name is as that of a check.
func (s *Set) Gate(name string, kind Kind) (*Gate, error) {
	var faults []string
	if kind != Startup && kind != Readiness {
		faults = append(faults, fmt.Sprintf("%v has no gates: say probes.Startup or probes.Readiness", kind))
	}
	e, err := s.place("gate", Check{Name: name, Kind: kind}, answer.Closed, faults)
	if err != nil {
		return nil, err
	}
	return &Gate{s, e}, nil
}

// place adds an entry that is not run.
func (s *Set) place(what string, c Check, reason answer.Reason, faults []string) (*entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := newEntry(c)
	if !validName.MatchString(c.Name) {
		faults = append(faults, nameFault)
	}
	faults = append(faults, s.admit(e, nil)...)
	if len(faults) > 0 {
		return nil, fmt.Errorf("probes: add %s %q: %s", what, c.Name, strings.Join(faults, "; "))
	}
	e.set(reason, false, s.now())
	s.take(e)
	return e, nil
}

// Open opens the gate for ever. Open twice is legal.
func (g *Gate) Open() { g.turn(answer.None, nil, func(v *answer.Verdict) { v.Done = v.Total }) }

// Progress says how far it is: 3 of 5. It opens nothing, and means nothing once the
// gate is open. Numbers below zero are shown as 0.
func (g *Gate) Progress(done, total int) {
	g.turn(answer.Closed, nil, func(v *answer.Verdict) { v.Done, v.Total = max(0, done), max(0, total) })
}

// Fail says that it will not open as things are: the error goes to the log, and
// probers read its reason as they do that of a check. A later Progress or Open, of
// another try, takes it back.
func (g *Gate) Fail(err error) {
	if err == nil {
		return
	}
	reason, _ := coded(err)
	g.turn(reason, err, nil)
}

func (g *Gate) turn(reason answer.Reason, err error, change func(*answer.Verdict)) {
	if g == nil {
		return
	}
	s, e := g.set, g.entry
	s.mu.Lock()
	if e.passed {
		s.mu.Unlock()
		return
	}
	before := e.verdict.Reason
	e.passed, e.err, e.judged = reason == answer.None, err, s.now()
	if change != nil {
		change(&e.verdict)
	}
	e.set(reason, false, s.now())
	s.publish(e.Kind)
	s.mu.Unlock()

	log := s.logger().With("gate", e.Name, "kind", e.Kind.String())
	switch {
	case reason == answer.None:
		log.Info("probes: gate is open")
	case reason != answer.Closed && reason != before:
		log.Warn("probes: gate fails", "reason", string(reason), "err", err)
	}
}
