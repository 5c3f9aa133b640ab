package probes

import (
	"maps"
	"slices"
	"time"

	"github.com/handover-go/handover/probes/internal/answer"
)

// Report is what a set knows: for metrics, for an admin's page. Reading it runs no
// check.
type Report struct {
	Checks []CheckReport // gates and toggles among them, in the order in which they were added
	// Endpoints are startup, readiness and liveness.
	Endpoints []EndpointReport
	Asked     []Asked // by endpoint and agent: who has asked, and how often it was told what
	// DrainObserved is how long it took from Drain until each balancer had been
	// told; 0 before that.
	DrainObserved time.Duration
}

// EndpointReport is what one endpoint says.
type EndpointReport struct {
	Kind   Kind
	Status Status           // Fail is 503
	Reason string           // of the whole: "starting", "draining" or ""
	Turns  map[Status]int64 // how often it has turned to each
}

// CheckReport is what is known of one check. Name, Kind, Scope, Impact and DependsOn are
// those of the Check.
type CheckReport struct {
	Name   string
	Kind   Kind
	Scope  Scope // 0 if none was given
	Impact Impact
	Status Status // what it counts for: Warn if it fails open
	Reason string // public; empty if it passes
	// FailsOpen says that it fails, and does not count since it is Shared.
	FailsOpen   bool
	DependsOn   []string
	Done, Total int              // how far a gate is; Total 0: it does not say
	Err         error            // of the last run: not for the public
	Since       time.Duration    // for so long it has said what it says
	Age         time.Duration    // of the verdict; 0 before the first
	InFlight    time.Duration    // how long the run in flight has lasted; 0: none
	Runs        map[Result]int64 // how many have ended in which way, since the set was made
	Took        Durations        // of all runs
	Last        time.Duration    // what the last run took
}

// Asked says how often one kind of prober has asked, and what it was told.
type Asked struct {
	Kind  Kind          // of the endpoint
	Agent string        // "kubelet", "haproxy", "elb", "gcp", "envoy", "consul" or "other"
	OK    bool          // what it was told: 200, or 503
	N     int64         // how often
	Ago   time.Duration // since this agent last asked this endpoint
}

// Report looks at everything that there is. What it returns is the caller's own.
func (s *Set) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	report := Report{DrainObserved: s.drain.observed, Checks: make([]CheckReport, 0, len(s.entries))}
	lines := map[*entry]answer.Line{}
	for kind := Startup; kind <= Liveness; kind++ {
		p := s.picture(kind)
		judged := p.Judge(now)
		for i, e := range s.of(kind) {
			lines[e] = judged[i]
		}
		turns := map[Status]int64{}
		for status := range s.turns[kind] {
			turns[Status(status)] = s.turns[kind][status].Load()
		}
		report.Endpoints = append(report.Endpoints, EndpointReport{kind, Status(p.Status(judged)), string(p.Reason), turns})
	}
	for _, e := range s.entries {
		report.Checks = append(report.Checks, e.report(lines[e], now))
	}
	for _, c := range s.audience.Counts() {
		report.Asked = append(report.Asked, Asked{Kind(c.Endpoint) + Startup, c.Agent.String(), c.OK, c.N, max(0, now-c.Last)})
	}
	return report
}

// of lists the entries of one kind, as a picture has them.
func (s *Set) of(kind Kind) []*entry {
	var entries []*entry
	for _, e := range s.entries {
		if e.Kind == kind {
			entries = append(entries, e)
		}
	}
	return entries
}

func (e *entry) report(l answer.Line, now time.Duration) CheckReport {
	r := CheckReport{
		Name: e.Name, Kind: e.Kind, Scope: e.Scope, Impact: e.Impact, DependsOn: slices.Clone(e.DependsOn),
		Status: Status(l.Status), Reason: string(l.Reason), FailsOpen: l.Open, Done: l.Done, Total: l.Total,
		Err: e.err, Since: now - e.since, Runs: maps.Clone(e.runs), Took: e.times, Last: e.took,
	}
	if e.judged >= 0 {
		r.Age = now - e.judged
	}
	if e.inFlight != nil && !e.inFlight.returned() {
		r.InFlight = time.Since(e.inFlight.began)
	}
	return r
}

// Status is what an endpoint says now, and why, where that holds for the whole:
// "starting" or "draining". It costs as little as a probe. A kind that is none
// fails.
func (s *Set) Status(kind Kind) (status Status, reason string) {
	if kind < Startup || kind > Liveness {
		return Fail, ""
	}
	a := s.answer(kind)
	return Status(a.Status), string(a.Picture.Reason)
}
