package guard

import (
	"fmt"
	"sync"
	"time"

	"github.com/handover-go/handover/flags/guard/internal/betting"
	"github.com/handover-go/handover/flags/guard/internal/counts"
)

// Judge makes a Verdict of Samples, of one Guard or of those of a fleet. It knows no flag
// and no clock. It is safe for concurrent use.
type Judge struct {
	cfg Config // that it was made with

	mu       sync.Mutex
	now      Config // the bounds that it judges by
	least    uint64 // requests of a step, to pass
	ended    uint64 // requests of the new arm
	before   uint64 // those before the step
	metrics  []*metric
	latency  [2][counts.Buckets]uint64
	sentence string // why it has tripped
}

// metric is a Metric that is being bet on.
type metric struct {
	Metric
	bet  *betting.Bet  // nil if it is only counted
	slow time.Duration // of slow: from when on a request is; 0 of others
}

// NewJudge returns a Judge of what Config bounds. The error joins what is wrong with it.
func NewJudge(cfg Config) (*Judge, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	j := &Judge{cfg: cfg}
	j.begin(cfg)
	return j, nil
}

// bound begins anew with other bounds. It is false if they are the same, or too late.
func (j *Judge) bound(cfg Config) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.sentence != "" || cfg.sameBounds(j.now) {
		return false
	}
	j.begin(cfg)
	return true
}

// begin begins the tests. j.mu is held, or nobody has j yet.
func (j *Judge) begin(cfg Config) {
	j.now, j.least, j.before, j.metrics = cfg, cfg.least(), j.ended, nil
	names, bounds := cfg.bounds()
	tested := 0
	for i, name := range names {
		m := &metric{Metric: Metric{Name: name, Bound: bounds[i]}}
		if name == slowName {
			m.slow = cfg.Slow
		}
		if m.Bound > 0 {
			m.bet = betting.New(m.Bound, cfg.Control)
			tested++
		}
		j.metrics = append(j.metrics, m)
	}
	for _, m := range j.metrics {
		m.Threshold = float64(tested) / cfg.falseAlarm()
	}
}

// Add adds a Sample, each once, in any order. Clocks of instances should agree to within
// half a minute: what is more than a minute older than the newest counts for less. Names
// that the Judge does not know, as those of a newer program, are passed over.
func (j *Judge) Add(s Sample) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, m := range j.metrics {
		m.add(s)
		if m.bet == nil || m.Evidence < m.Threshold {
			continue
		}
		m.Tripped = true
		if j.sentence == "" {
			j.sentence = m.String()
		}
	}
	for arm, ended := range [2]map[int]uint64{counts.New: s.Ended.New, counts.Control: s.Ended.Control} {
		for bucket, n := range ended {
			j.latency[arm][max(0, min(bucket, counts.Buckets-1))] += n
			if arm == counts.New {
				j.ended += n
			}
		}
	}
}

func (m *metric) add(s Sample) {
	if m.slow != s.Slow && m.slow != 0 && s.Slow != 0 {
		return
	}
	for _, second := range s.Seconds {
		n := second.Counts[m.Name]
		m.New.add(n.New)
		m.Control.add(n.Control)
		if m.bet != nil { // also of a second without a request: time goes by
			m.bet.Add(second.At, betting.Cell{New: bet(n.New), Control: bet(n.Control)})
		}
	}
	if m.bet != nil {
		m.Evidence = m.bet.Evidence()
	}
}

func bet(a Arm) betting.Arm { return betting.Arm{Begun: a.Requests, Failed: a.Failures} }

// Step marks that a step begins: Config.Least counts from here. The evidence stays, as it
// is for the whole life.
func (j *Judge) Step() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.before = j.ended
}

// Verdict is what is known by now.
func (j *Judge) Verdict() Verdict {
	j.mu.Lock()
	defer j.mu.Unlock()
	v := Verdict{
		Step: j.ended - j.before, Least: j.least,
		New: latency(&j.latency[counts.New]), Control: latency(&j.latency[counts.Control]),
	}
	for _, m := range j.metrics {
		v.Metrics = append(v.Metrics, m.Metric)
	}
	switch {
	case j.sentence != "":
		v.State, v.Why = Tripped, j.sentence
	case v.Step < j.least:
		v.State, v.Why = Holding, fmt.Sprintf("%s of %s requests of the new arm have ended in this step", thousands(v.Step), thousands(j.least))
	default:
		v.State, v.Why = Passing, j.nearest().String()
	}
	return v
}

// nearest is the metric with the most evidence, by its threshold.
func (j *Judge) nearest() *metric {
	nearest := j.metrics[0]
	for _, m := range j.metrics {
		if m.bet != nil && (nearest.bet == nil || m.Evidence > nearest.Evidence) {
			nearest = m
		}
	}
	return nearest
}

func latency(buckets *[counts.Buckets]uint64) (l Latency) {
	for _, n := range buckets {
		l.Ended += n
	}
	l.P50, l.P99 = counts.Quantile(buckets, l.Ended, 0.5), counts.Quantile(buckets, l.Ended, 0.99)
	return l
}
