package probes

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/handover-go/handover/internal/stack"
	"github.com/handover-go/handover/probes/internal/answer"
)

// change is what a finding has changed, for the log.
type change struct {
	entry    *entry
	found    finding
	was, is  answer.Status
	why, now answer.Reason // it was, and is
	open     bool          // it fails open
	opened   bool          // and did not before, or the other way round
	unspoken bool          // it still fails, and what it was put down to does not
	cause    string        // a check that this one depends on, and that fails as well
}

// judge makes of a finding what it can make of it, and logs what has changed.
func (s *Set) judge(e *entry, found finding) {
	c := change{entry: e, found: found}
	s.mu.Lock()
	before, now := e.verdict, s.now()
	e.note(found, now)
	if s.frozen && e.Kind == Liveness {
		e.verdict.Until = answer.Never
	}
	after := e.verdict
	c.open, c.cause = after.Open, e.cause()
	s.publish(e.Kind)
	died, revived := s.heartbeat()
	unspoken := e.silenced && c.cause == ""
	e.silenced = c.cause != "" && after.Reason != answer.None
	s.mu.Unlock()

	c.was, c.why = before.At(now, e.Kind == Liveness)
	c.is, c.now = after.At(now, e.Kind == Liveness)
	c.opened = before.Open != after.Open
	c.unspoken = unspoken && c.is != answer.Pass
	if c.news() {
		c.log(s.logger())
	}
	switch {
	case died:
		s.lastWords()
	case revived:
		s.takeBack()
	}
}

// news reports whether it is worth a record.
func (c change) news() bool {
	stuck := c.now == answer.Stuck && c.why != answer.Stuck
	return c.was != c.is || c.why == answer.Pending || c.opened || c.unspoken || stuck
}

// log is called without the lock: a log that hangs may stop the check it is told
// of, which then goes stale, and nothing else.
func (c change) log(log *slog.Logger) {
	log = log.With("check", c.entry.Name, "kind", c.entry.Kind.String(), "state", c.is.String(),
		"was", cmp.Or(string(c.why), "pass"), "took", c.found.took)
	switch {
	case c.is == answer.Pass:
		log.Info("probes: check passes")
	case c.cause != "":
		log.Info("probes: check fails, as does what it depends on", "depends_on", c.cause, "reason", string(c.now), "err", c.found.err)
	case c.now == answer.Stuck:
		log.Warn("probes: check is stuck", "err", c.found.err)
	case c.is == answer.Warn && c.open:
		log.Warn("probes: shared check fails open", "reason", string(c.now), "err", c.found.err)
	case c.is == answer.Warn:
		log.Warn("probes: check is degraded", "reason", string(c.now), "err", c.found.err)
	default:
		log.Warn("probes: check fails", "reason", string(c.now), "err", c.found.err)
	}
}

const (
	// logged is as much of the stacks as a log takes in one record.
	logged = 64 << 10
	// lastMessage is as much as a kubelet reads of a termination log.
	lastMessage = 4 << 10
)

// lastWords leaves behind what every goroutine is doing, while there is somebody to
// do it: a platform that restarts this instance asks nobody why it hung.
func (s *Set) lastWords() {
	why, stacks := s.causeOfDeath(), string(stack.All())
	stacks = stacks[:min(len(stacks), logged)]
	// The file first: a log that hangs may be what kills.
	s.writeTerminationLog("liveness fails: " + why.Error() + "\n\n" + stacks)
	s.logger().Error("probes: liveness fails: if it stays so, this instance will be restarted", "err", why, "stacks", stacks)
}

// takeBack is for an instance that has recovered, and may end for another reason.
func (s *Set) takeBack() { s.writeTerminationLog("") }

func (s *Set) writeTerminationLog(message string) {
	if s.config.TerminationLog == "" {
		return
	}
	err := os.WriteFile(s.config.TerminationLog, []byte(message[:min(len(message), lastMessage)]), 0o644)
	if err != nil {
		s.logger().Error("probes: the termination log cannot be written", "err", err)
	}
}

// heartbeat reports what liveness has become since a check was last judged. A prober
// may have seen it before: it has told nobody.
func (s *Set) heartbeat() (died, revived bool) {
	dead := s.answers[Liveness].Load().Status == answer.Fail
	died, revived = dead && !s.dead, !dead && s.dead
	s.dead = dead
	return died, revived
}

// causeOfDeath names each liveness check that fails. One that nobody judges any more
// is noticed when another one is judged.
func (s *Set) causeOfDeath() error {
	var errs []error
	for _, c := range s.Report().Checks {
		switch {
		case c.Kind != Liveness || c.Status != Fail:
		case c.Err == nil:
			errs = append(errs, fmt.Errorf("%s: %s", c.Name, c.Reason))
		default:
			errs = append(errs, fmt.Errorf("%s: %s: %w", c.Name, c.Reason, c.Err))
		}
	}
	if len(errs) == 0 {
		return errors.New("it has passed again since")
	}
	return errors.Join(errs...)
}
