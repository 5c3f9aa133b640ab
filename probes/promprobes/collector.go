package promprobes

import (
	"cmp"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/probes"
)

// Config names the set.
type Config struct {
	// Name is the value of the label set; two sets in one registry need two.
	// Default "set".
	Name string
}

// Collector is a prometheus.Collector of one set. It is safe for concurrent use,
// and may be made and registered at any time.
type Collector struct {
	set *probes.Set

	status, reason, transitions, requests, drain *prometheus.Desc
	checkStatus, checkReason, checkOpen          *prometheus.Desc
	checkRuns, checkTook, checkAged              *prometheus.Desc
}

// New returns a Collector of set. A nil set is an error of each scrape.
func New(set *probes.Set, cfg Config) *Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("handover_probes_"+name, help, labels, prometheus.Labels{"set": cmp.Or(cfg.Name, "set")})
	}
	return &Collector{
		set:         set,
		status:      desc("status", "1 for the status that the probe has.", "probe", "status"),
		reason:      desc("reason", "1 for what makes the probe fail whatever its checks say.", "probe", "reason"),
		transitions: desc("transitions_total", "How often the probe has turned to a status.", "probe", "to"),
		requests:    desc("requests_total", "Requests to the probe by the code of the answer and the kind of prober.", "probe", "code", "agent"),
		drain:       desc("drain_observed_seconds", "How long after the drain began each balancer had been told."),
		checkStatus: desc("check_status", "1 for the status that the check counts for.", "probe", "check", "status"),
		checkReason: desc("check_reason", "1 for why the check does not pass.", "probe", "check", "reason"),
		checkOpen:   desc("check_fails_open", "1 while a shared check fails and does not count.", "probe", "check"),
		checkRuns:   desc("check_runs_total", "Runs of the check by result; stuck counts those that could not be begun.", "probe", "check", "result"),
		checkTook:   desc("check_duration_seconds", "What the runs of the check took.", "probe", "check"),
		checkAged:   desc("check_age_seconds", "Age of the verdict on the check.", "probe", "check"),
	}
}

// Describe is for the registry.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		c.status, c.reason, c.transitions, c.requests, c.drain,
		c.checkStatus, c.checkReason, c.checkOpen, c.checkRuns, c.checkTook, c.checkAged,
	} {
		to <- desc
	}
}

// Collect is for the registry.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	if c.set == nil {
		to <- prometheus.NewInvalidMetric(c.status, errors.New("promprobes: collect: New was given a nil set"))
		return
	}
	out, report := sink(to), c.set.Report()
	for _, e := range report.Endpoints {
		probe := e.Kind.String()
		out.state(c.status, e.Status, probe)
		out.why(c.reason, e.Reason, probe)
		for status, n := range e.Turns {
			out.counter(c.transitions, n, probe, status.String())
		}
	}
	for _, asked := range report.Asked {
		code := map[bool]string{true: "200", false: "503"}[asked.OK]
		out.counter(c.requests, asked.N, asked.Kind.String(), code, asked.Agent)
	}
	if report.DrainObserved > 0 {
		out.gauge(c.drain, report.DrainObserved.Seconds())
	}
	for _, check := range report.Checks {
		c.check(out, check)
	}
}

func (c *Collector) check(out sink, r probes.CheckReport) {
	probe := r.Kind.String()
	out.state(c.checkStatus, r.Status, probe, r.Name)
	out.why(c.checkReason, r.Reason, probe, r.Name)
	if r.Kind == probes.Readiness && r.Scope == probes.Shared {
		out.gauge(c.checkOpen, map[bool]float64{true: 1}[r.FailsOpen], probe, r.Name)
	}
	if len(r.Runs) == 0 {
		return // not yet, or it is a gate or a toggle
	}
	for _, result := range []probes.Result{
		probes.Passed, probes.Degraded, probes.Failed, probes.TimedOut, probes.Panicked, probes.Stuck,
	} {
		out.counter(c.checkRuns, r.Runs[result], probe, r.Name, string(result))
	}
	out.histogram(c.checkTook, r.Took, probe, r.Name)
	if r.Kind == probes.Startup && r.Status == probes.Pass {
		return // it is not run any more, and does not age
	}
	out.gauge(c.checkAged, r.Age.Seconds(), probe, r.Name)
}
