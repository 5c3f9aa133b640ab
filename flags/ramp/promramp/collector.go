package promramp

import (
	"cmp"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/ramp"
)

// Config names the member, and bounds its series. The zero value is valid.
type Config struct {
	// Name is the value of the label member; two members in one registry need two.
	// Default "member".
	Name string

	// MaxRamps is how many ramps have series. Those with a guard in this process go first,
	// the others by name. Default 100; negative is none.
	MaxRamps int
}

// Member tells of ramps, as a ramp.Member does. It must not block.
type Member interface{ Status() ramp.Status }

// Collector is a prometheus.Collector of one member. It is safe for concurrent use, and
// may be made and registered at any time.
type Collector struct {
	member Member
	most   int

	leader, instances, met, failing, omitted         *prometheus.Desc
	state, share, next, began, left, waiting, killed *prometheus.Desc
	guarded, evidence, threshold, requests, failures *prometheus.Desc

	mu   sync.Mutex // scrapes may overlap, and a later one must not show less
	high map[counter]uint64
}

// counter is a series that does not go back. What a member knows of itself is what the
// store has heard, which may be older than what was shown before the store first answered.
type counter struct {
	desc              *prometheus.Desc
	flag, metric, arm string
}

// New returns a Collector of member, a ramp.Member. Without one each scrape has an error.
func New(member Member, cfg Config) *Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("handover_ramp_"+name, help, labels, prometheus.Labels{"member": text(cmp.Or(cfg.Name, "member"))})
	}
	if m, ok := member.(*ramp.Member); ok && m == nil {
		member = nil
	}
	return &Collector{
		member:    member,
		most:      max(0, cmp.Or(cfg.MaxRamps, 100)),
		leader:    desc("leader", "1 if this process takes the steps."),
		instances: desc("instances", "Instances that live."),
		met:       desc("met_timestamp_seconds", "When the store last answered."),
		failing:   desc("failing", "1 if the last call to the store brought an error."),
		omitted:   desc("omitted", "Ramps that have no series, as there are too many."),
		state:     desc("state", "1 for what the ramp does; new is one that has not begun.", "flag", "state"),
		share:     desc("share", "Share of subjects for whom the flag is on, if it is not killed.", "flag"),
		next:      desc("next_share", "The share of the next step.", "flag"),
		began:     desc("step_timestamp_seconds", "When the present step began.", "flag"),
		left:      desc("bake_left_seconds", "How long the present step has to bake still.", "flag"),
		waiting:   desc("waiting", "How many things are waited for.", "flag"),
		killed:    desc("killed", "1 while the flag is killed in the store.", "flag"),
		guarded:   desc("guard", "1 for what a guard says.", "flag", "by", "state"),
		evidence:  desc("evidence", "Evidence that a bound is broken.", "flag", "by", "metric"),
		threshold: desc("evidence_threshold", "Evidence from which on the new arm is taken away.", "flag", "by", "metric"),
		requests:  desc("requests_total", "What was counted of an arm, by this process.", "flag", "metric", "arm"),
		failures:  desc("failures_total", "What failed of an arm, one a second per subject at most.", "flag", "metric", "arm"),
		high:      map[counter]uint64{},
	}
}

// Describe is for the registry.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		c.leader, c.instances, c.met, c.failing, c.omitted,
		c.state, c.share, c.next, c.began, c.left, c.waiting, c.killed,
		c.guarded, c.evidence, c.threshold, c.requests, c.failures,
	} {
		to <- desc
	}
}

// Collect is for the registry.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	if c.member == nil {
		to <- prometheus.NewInvalidMetric(c.leader, errors.New("promramp: collect: New was given no member"))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, out := c.member.Status(), sink(to)
	out.state(c.leader, s.Leader != "" && s.Leader == s.ID)
	out.gauge(c.instances, float64(len(s.Instances)))
	out.moment(c.met, s.Met)
	out.state(c.failing, s.Err != nil)
	chosen := choose(s, c.most)
	out.gauge(c.omitted, float64(len(s.Ramps)-len(chosen)))
	for _, p := range chosen {
		c.ramp(out, text(p.Key), p, s.ID)
	}
}

func (c *Collector) ramp(out sink, flag string, p ramp.Progress, me string) {
	state := cmp.Or(p.State, "new")
	for _, one := range []ramp.State{"new", ramp.Running, ramp.Paused, ramp.Stopped, ramp.Done} {
		out.state(c.state, one == state, flag, string(one))
	}
	out.gauge(c.share, p.Share/100, flag)
	if p.Next > 0 {
		out.gauge(c.next, p.Next/100, flag)
	}
	out.moment(c.began, p.Since, flag)
	out.gauge(c.left, p.Left.Seconds(), flag)
	out.gauge(c.waiting, float64(len(p.Waiting)), flag)
	out.state(c.killed, p.Killed, flag)
	if v, has := p.Verdicts[me]; has {
		c.verdict(out, flag, "instance", v.Verdict)
		for _, m := range v.Metrics {
			c.arm(out, flag, text(m.Name), "new", m.New)
			c.arm(out, flag, text(m.Name), "control", m.Control)
		}
	}
	if v, has := p.Verdicts[together]; has {
		c.verdict(out, flag, "fleet", v.Verdict)
	}
}

// together is the name of the verdict on all members, see ramp.Progress.
const together = "all together"

func (c *Collector) verdict(out sink, flag, by string, v guard.Verdict) {
	for _, one := range []guard.State{guard.Holding, guard.Passing, guard.Tripped} {
		out.state(c.guarded, v.State == one, flag, by, one.String())
	}
	for _, m := range v.Metrics {
		if m.Bound > 0 { // or it is counted, and not tested
			out.gauge(c.evidence, m.Evidence, flag, by, text(m.Name))
			out.gauge(c.threshold, m.Threshold, flag, by, text(m.Name))
		}
	}
}

// arm shows what was counted of an arm. c.mu is held.
func (c *Collector) arm(out sink, flag, metric, arm string, a guard.Arm) {
	for desc, n := range map[*prometheus.Desc]uint64{c.requests: a.Requests, c.failures: a.Failures} {
		series := counter{desc, flag, metric, arm}
		c.high[series] = max(c.high[series], n)
		out.counter(desc, c.high[series], flag, metric, arm)
	}
}

// text is what may be a label: Prometheus takes nothing but UTF-8.
func text(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }

// choose gives places to ramps. Two whose keys make the same label cannot both have one.
func choose(s ramp.Status, most int) (chosen []ramp.Progress) {
	taken := map[string]bool{}
	for _, guarded := range []bool{true, false} {
		for _, p := range s.Ramps {
			_, has := p.Verdicts[s.ID]
			if has == guarded && len(chosen) < most && !taken[text(p.Key)] {
				taken[text(p.Key)] = true
				chosen = append(chosen, p)
			}
		}
	}
	return chosen
}

// sink takes what has been read. All labels are UTF-8, so that none of the constructors
// has anything to panic about.
type sink chan<- prometheus.Metric

func (s sink) gauge(desc *prometheus.Desc, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func (s sink) counter(desc *prometheus.Desc, n uint64, labels ...string) {
	s <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
}

func (s sink) state(desc *prometheus.Desc, is bool, labels ...string) {
	value := 0.0
	if is {
		value = 1
	}
	s.gauge(desc, value, labels...)
}

// moment has no series if there was none.
func (s sink) moment(desc *prometheus.Desc, at time.Time, labels ...string) {
	if !at.IsZero() {
		s.gauge(desc, float64(at.UnixMilli())/1000, labels...)
	}
}
