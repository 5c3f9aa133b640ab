package rampconsole

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/ramp"
)

// View is the JSON that a Console answers: a ramp.Status, and what was seen before. Shares
// are percent of the subjects.
type View struct {
	ID        string     `json:"id"`              // of this process
	Leader    string     `json:"leader"`          // who takes the steps; empty if nobody does
	Met       *time.Time `json:"met,omitempty"`   // when the store last answered; none if never
	Error     string     `json:"error,omitempty"` // of the last call to the store
	Instances []Instance `json:"instances"`
	Ramps     []Ramp     `json:"ramps"` // by flag
}

// Instance is a process that lives.
type Instance struct {
	ID      string `json:"id"`
	Version string `json:"version"` // of its code
	Stale   bool   `json:"stale"`   // its flags may be old
}

// Ramp is how far one has come: a ramp.Progress.
type Ramp struct {
	Flag    string     `json:"flag"`            // its key
	State   string     `json:"state,omitempty"` // none: it has not begun
	Share   float64    `json:"share"`           // in percent
	Next    float64    `json:"next,omitempty"`  // the next step; none if there is none
	Killed  bool       `json:"killed"`
	Since   *time.Time `json:"since,omitempty"` // the present step began
	Left    float64    `json:"left_seconds"`    // to bake
	Why     string     `json:"why,omitempty"`   // of the last change
	Waiting []string   `json:"waiting"`         // for what, and for whom
	Arms    []Arm      `json:"arms"`            // new and control, of all guards
	Guards  []Guard    `json:"guards"`          // by Of
	Changes []Change   `json:"changes"`         // the last 20, the newest first
	Points  []Point    `json:"points"`          // the oldest first; none unless Run runs
}

// Arm is one side of the flag.
type Arm struct {
	Name     string            `json:"name"`     // new or control
	Share    float64           `json:"share"`    // of subjects, in percent
	Requests uint64            `json:"requests"` // that have ended
	Failures map[string]Counts `json:"failures"` // by metric
	P50      float64           `json:"p50_ms"`   // milliseconds; of the instance where it is the longest
	P99      float64           `json:"p99_ms"`   // the same
}

// Counts are of one metric, since the guards were made or got other bounds.
type Counts struct {
	Requests uint64 `json:"requests"`
	Failures uint64 `json:"failures"`
}

// Guard is what one says.
type Guard struct {
	Of      string   `json:"of"`            // an instance, or all together
	State   string   `json:"state"`         // holding, passing or tripped
	Why     string   `json:"why,omitempty"` // in a line, for people
	Seen    uint64   `json:"seen"`          // requests of the step
	Least   uint64   `json:"least"`         // how many of them it takes to pass
	Metrics []Metric `json:"metrics"`
}

// Metric is one test of a guard: see guard.Metric.
type Metric struct {
	Name      string  `json:"name"`
	Bound     float64 `json:"bound"`     // the largest share of failures that is accepted, from 0 to 1
	Evidence  float64 `json:"evidence"`  // against the new path
	Threshold float64 `json:"threshold"` // of evidence, at which it trips
	Tripped   bool    `json:"tripped"`
}

// Change is one of a ramp: a ramp.Entry.
type Change struct {
	At    time.Time `json:"at"`
	Who   string    `json:"who"`
	Why   string    `json:"why"`
	State string    `json:"state"`           // afterwards
	Share *float64  `json:"share,omitempty"` // none: wherever the flag was
}

// view is all that there is now.
func (c *Console) view() View {
	s := c.member.Status()
	v := View{ID: s.ID, Leader: s.Leader, Met: moment(s.Met), Instances: []Instance{}, Ramps: []Ramp{}}
	if s.Err != nil {
		v.Error = s.Err.Error()
	}
	for _, i := range s.Instances {
		v.Instances = append(v.Instances, Instance{i.ID, i.Version, i.Stale})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range s.Ramps {
		r := rampOf(p)
		if h := c.past[p.Key]; h != nil {
			r.Points = append(r.Points, h.points...) // not nil, which would be null
		}
		v.Ramps = append(v.Ramps, r)
	}
	return v
}

func rampOf(p ramp.Progress) Ramp {
	r := Ramp{
		Flag: p.Key, State: string(p.State), Share: finite(p.Share), Next: finite(p.Next), Killed: p.Killed, Since: moment(p.Since),
		Left: p.Left.Seconds(), Why: p.Why, Waiting: append([]string{}, p.Waiting...), Guards: []Guard{}, Changes: []Change{}, Points: []Point{},
	}
	for _, of := range slices.Sorted(maps.Keys(p.Verdicts)) {
		r.Guards = append(r.Guards, guardOf(of, p.Verdicts[of].Verdict))
	}
	share := r.Share
	if r.Killed {
		share = 0
	}
	r.Arms = []Arm{
		armOf("new", share, p.Verdicts, func(m guard.Metric) guard.Arm { return m.New }, func(v guard.Verdict) guard.Latency { return v.New }),
		armOf("control", 100-share, p.Verdicts, func(m guard.Metric) guard.Arm { return m.Control }, func(v guard.Verdict) guard.Latency { return v.Control }),
	}
	for _, h := range p.History {
		r.Changes = append(r.Changes, Change{h.At, h.Who, h.Why, string(h.State), h.Share})
	}
	return r
}

func guardOf(of string, v guard.Verdict) Guard {
	g := Guard{Of: of, State: v.State.String(), Why: v.Why, Seen: v.Step, Least: v.Least, Metrics: []Metric{}}
	for _, m := range v.Metrics {
		g.Metrics = append(g.Metrics, Metric{m.Name, finite(m.Bound), finite(m.Evidence), finite(m.Threshold), m.Tripped})
	}
	return g
}

// together is the name of the verdict on all members, see ramp.Progress: what is in it is
// in the others as well.
const together = "all together"

// armOf adds up what the guards have counted of an arm.
func armOf(name string, share float64, all map[string]ramp.Guarded, of func(guard.Metric) guard.Arm, took func(guard.Verdict) guard.Latency) Arm {
	a := Arm{Name: name, Share: share, Failures: map[string]Counts{}}
	for id, v := range all {
		if id == together {
			continue
		}
		for _, m := range v.Metrics {
			sum, one := a.Failures[m.Name], of(m)
			a.Failures[m.Name] = Counts{sum.Requests + one.Requests, sum.Failures + one.Failures}
		}
		l := took(v.Verdict)
		a.Requests += l.Ended
		a.P50, a.P99 = max(a.P50, milliseconds(l.P50)), max(a.P99, milliseconds(l.P99))
	}
	return a
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// finite is a number that JSON can hold.
func finite(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, -math.MaxFloat64), math.MaxFloat64)
}
