package strategy

import (
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/report"
	"github.com/handover-go/handover/examples/rollout/internal/site"
	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/droptest"
)

// Result is what has become of one strategy.
type Result struct {
	Strategy string `json:"strategy"`
	Service  string `json:"service"`         // complete, or the small one: handover, naive or unhandled
	Naive    string `json:"naive,omitempty"` // what was
	Balancer string `json:"balancer"`
	droptest.Result

	// Stops are the reports of the processes that were replaced; only the small handover
	// service makes one.
	Stops []shutdown.Report `json:"stops,omitempty"`

	Stalled    *Stalled  `json:"stalled,omitempty"`
	BlueGreen  *Switched `json:"bluegreen,omitempty"`
	Canaries   []Judged  `json:"canaries,omitempty"`
	Spared     int       `json:"spared,omitempty"` // answers that the stable version gave for a canary
	Schema     *Renamed  `json:"schema,omitempty"`
	StaleReads *int      `json:"stale_reads,omitempty"`

	Picture report.Run `json:"-"` // without its words
}

// Summary is what all strategies come to.
type Summary struct {
	Strategy   string   `json:"strategy"` // all
	Seconds    float64  `json:"seconds"`
	Requests   int      `json:"requests"`
	Failed     int      `json:"failed"`
	StaleReads int      `json:"stale_reads"`
	Strategies []Result `json:"strategies"`
}

func result(strategy string, s *site.Site) Result {
	return Result{Strategy: strategy, Service: "complete", Balancer: s.Options.Balancer, Result: s.Result(), Picture: s.Report()}
}

// Lost reports whether anything was.
func (r Result) Lost() bool {
	return r.Failed > 0 ||
		r.StaleReads != nil && *r.StaleReads > 0 ||
		r.Schema != nil && r.Schema.LostWrites+int(r.Schema.Mismatches) > 0 ||
		r.BlueGreen != nil && r.BlueGreen.StreamsCut > 0
}

// Summarize adds them up.
func Summarize(all []Result, took time.Duration) Summary {
	s := Summary{Strategy: All, Seconds: took.Seconds(), Strategies: all}
	for _, r := range all {
		s.Requests += r.Requests
		s.Failed += r.Failed
		if r.StaleReads != nil {
			s.StaleReads += *r.StaleReads
		}
	}
	return s
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
