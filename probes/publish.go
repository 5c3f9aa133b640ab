package probes

import (
	"slices"
	"time"

	"github.com/handover-go/handover/probes/internal/answer"
)

// publish puts up the answers that follow from the state. Whoever changed that holds
// the lock still, so no older answer can replace a newer one.
func (s *Set) publish(kinds ...Kind) {
	if started := s.sealed && s.startupPassed(); started != s.started {
		s.started = started
		kinds = []Kind{Startup, Readiness, Liveness}
	}
	for _, kind := range kinds {
		a := s.picture(kind).Render(s.now())
		before := s.answers[kind].Swap(a)
		if before != nil && before.Status != a.Status {
			s.turns[kind][a.Status].Add(1)
		}
	}
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

func (s *Set) picture(kind Kind) answer.Picture {
	p := answer.Picture{Lenient: kind == Liveness, Reason: s.reason(kind)}
	place := map[*entry]int{}
	for _, e := range s.entries {
		if e.Kind != kind {
			continue
		}
		v := e.verdict
		for _, parent := range e.parents {
			v.Parents = append(v.Parents, place[parent])
		}
		place[e] = len(p.Verdicts)
		p.Verdicts = append(p.Verdicts, v)
	}
	return p
}

func (s *Set) startupPassed() bool {
	return !slices.ContainsFunc(s.entries, func(e *entry) bool { return e.Kind == Startup && !e.settled() })
}

// reason is why a probe fails whatever its checks say.
func (s *Set) reason(kind Kind) answer.Reason {
	switch {
	case kind == Liveness:
		return answer.None
	case kind == Readiness && s.drain.began:
		return answer.Draining
	case !s.started:
		return answer.Starting
	}
	return answer.None
}

// answer is the one that holds now. The first to find it expired judges it
// again and puts up the result, unless a newer answer has come in the meantime.
// There is no log record of that: a log that hangs may be what keeps the
// scheduler, and must not keep the prober as well.
func (s *Set) answer(kind Kind) *answer.Answer {
	a, _ := s.answerNow(kind)
	return a
}

// answerNow also says which moment that is: a reading of the clock is a good part of
// what a probe costs.
func (s *Set) answerNow(kind Kind) (*answer.Answer, time.Duration) {
	for {
		a := s.answers[kind].Load()
		now := s.now()
		if now <= a.Until {
			return a, now
		}
		if judged := a.Picture.Render(now); s.answers[kind].CompareAndSwap(a, judged) {
			if judged.Status != a.Status {
				s.turns[kind][judged.Status].Add(1)
			}
			return judged, now
		}
	}
}
