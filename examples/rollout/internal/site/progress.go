package site

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/report"
	"github.com/handover-go/handover/shutdown/droptest"
)

// entry is something that a report has a mark for.
type entry struct {
	at   time.Time
	text string
}

func (s *Site) mark(text string) { s.diary = append(s.diary, entry{time.Now(), text}) }

// Say tells of an event.
func (s *Site) Say(format string, args ...any) {
	fmt.Fprintf(s.screen, "%6.1f s  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// Stage begins a step, which has a name for who watches.
func (s *Site) Stage(name string) {
	s.step = name
	s.mark(name)
	s.Say("-- %s", name)
}

// progress is a line a second: the step, who answers, and what has failed so far.
func (s *Site) progress() {
	requests, failed, lately := s.Load.Lately()
	if requests == 0 {
		return
	}
	all, shares := 0, ""
	for _, n := range lately {
		all += n
	}
	for _, version := range slices.Sorted(maps.Keys(lately)) {
		shares += fmt.Sprintf(", %s %d %%", version, 100*lately[version]/all)
	}
	s.screen.Status(fmt.Sprintf("%6.1f s  %s%s; %d requests, %d failed", time.Since(s.began).Seconds(), s.step, shares, requests, failed))
}

// Result is what has become of the load, and of the processes.
func (s *Site) Result() droptest.Result {
	c := s.Load.Counts()
	r := droptest.Result{
		Seconds: c.Seconds, Requests: c.Requests, Failed: c.Failed, Kinds: c.Kinds,
		P50MS: milliseconds(c.P50), P99MS: milliseconds(c.P99), FastP99MS: milliseconds(c.P99),
		Shares: c.Shares, FailedBySecond: c.FailedBy,
	}
	for _, p99 := range c.P99By {
		r.P99BySecond = append(r.P99BySecond, milliseconds(p99))
	}
	r.FastP99BySecond = r.P99BySecond // nothing is slow on purpose
	if begun := s.Load.Begun(); !begun.IsZero() {
		r.LoadFromMS = milliseconds(begun.Sub(s.began))
		r.LoadToMS = r.LoadFromMS + 1000*r.Seconds
	}
	if n := s.watch.Hidden(); n > 0 { // clients have not seen it
		r.Failed += n
		r.Kinds["hidden by the balancer"] = n
	}
	for _, p := range s.Fleet.All() {
		status, took := p.State()
		r.Processes = append(r.Processes, droptest.Process{
			Name: p.Name, Version: p.Version, PID: p.PID, Replaced: s.replaced[p.Name], Status: status, ExitMS: milliseconds(took),
		})
	}
	return r
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Report is what can be drawn of it.
func (s *Site) Report() (r report.Run) {
	begun := s.Load.Begun()
	if begun.IsZero() {
		begun = s.began
	}
	c := s.Load.Counts()
	r.Lasted = time.Duration(c.Seconds * float64(time.Second))
	for i, answers := range c.Shares {
		r.Seconds = append(r.Seconds, report.Second{Answers: answers, Failed: c.FailedBy[i], P99: c.P99By[i]})
	}
	since := func(t time.Time) *time.Duration {
		if t.IsZero() {
			return nil
		}
		d := t.Sub(begun)
		return &d
	}
	for _, p := range s.Fleet.All() {
		started, ready, told, ended := p.Life()
		r.Processes = append(r.Processes, report.Process{
			Name: p.Name, Version: p.Version, Started: started.Sub(begun), Ready: since(ready), Signalled: since(told), Exited: since(ended),
		})
	}
	for _, e := range s.diary {
		r.Marks = append(r.Marks, report.Mark{At: e.at.Sub(begun), Text: e.text})
	}
	return r
}
