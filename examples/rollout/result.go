package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/handover-go/handover/shutdown"
	"github.com/handover-go/handover/shutdown/droptest"
)

// result is what one strategy prints.
type result struct {
	Strategy string `json:"strategy"`
	Service  string `json:"service"`         // complete, or the small one: handover, naive or unhandled
	Naive    string `json:"naive,omitempty"` // what was
	droptest.Result

	// Stops are the reports of the processes that were replaced; only the small handover
	// service makes one.
	Stops []shutdown.Report `json:"stops,omitempty"`

	Stalled    *stalled  `json:"stalled,omitempty"`
	BlueGreen  *switched `json:"bluegreen,omitempty"`
	Canaries   []judged  `json:"canaries,omitempty"`
	Spared     int       `json:"spared,omitempty"` // answers that the stable version gave for a canary
	Schema     *renamed  `json:"schema,omitempty"`
	StaleReads *int      `json:"stale_reads,omitempty"`
}

// summary is what all strategies come to.
type summary struct {
	Strategy   string   `json:"strategy"` // all
	Seconds    float64  `json:"seconds"`
	Requests   int      `json:"requests"`
	Failed     int      `json:"failed"`
	StaleReads int      `json:"stale_reads"`
	Strategies []result `json:"strategies"`
}

// result is what has become of the load, and of the processes.
func (s *site) result(strategy string) result {
	c := s.load.Counts()
	r := result{Strategy: strategy, Service: "complete", Result: droptest.Result{
		Seconds: c.Seconds, Requests: c.Requests, Failed: c.Failed, Kinds: c.Kinds,
		P50MS: milliseconds(c.P50), P99MS: milliseconds(c.P99), FastP99MS: milliseconds(c.P99), Shares: c.Shares,
	}}
	for _, p := range s.fleet.All() {
		status, took := p.State()
		r.Processes = append(r.Processes, droptest.Process{
			Name: p.Name, Version: p.Version, PID: p.PID, Replaced: s.replaced[p.Name], Status: status, ExitMS: milliseconds(took),
		})
	}
	return r
}

// lost reports whether anything was.
func (r result) lost() bool {
	return r.Failed > 0 ||
		r.StaleReads != nil && *r.StaleReads > 0 ||
		r.Schema != nil && r.Schema.LostWrites+int(r.Schema.Mismatches) > 0 ||
		r.BlueGreen != nil && r.BlueGreen.StreamsCut > 0
}

func summarize(all []result, took time.Duration) summary {
	s := summary{Strategy: strategyAll, Seconds: took.Seconds(), Strategies: all}
	for _, r := range all {
		s.Requests += r.Requests
		s.Failed += r.Failed
		if r.StaleReads != nil {
			s.StaleReads += *r.StaleReads
		}
	}
	return s
}

func (r result) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s: %v", r.Strategy, r.Result)
	if r.Naive != "" {
		fmt.Fprintf(out, "  naive: %s\n", r.Naive)
	}
	r.printShares(out)
	for i, s := range r.Stops {
		fmt.Fprintf(out, "  v1-%d wanted %v of silence on new connections; %s\n", i+1, s.Silence.Round(time.Millisecond), lastNew(s))
	}
	if s := r.Stalled; s != nil {
		fmt.Fprintf(out, "  a release that was not ready within %.1f s was rolled back; %d requests meanwhile, %d failed\n", s.WaitedS, s.Requests, s.Failed)
	}
	if b := r.BlueGreen; b != nil {
		fmt.Fprintf(out, "  %d of %d streams were cut\n", b.StreamsCut, b.Streams)
		if b.BackMS > 0 { // who has killed the old fleet has no way back
			fmt.Fprintf(out, "  switched back within %.0f ms\n", b.BackMS)
		}
	}
	for _, c := range r.Canaries {
		fmt.Fprintf(out, "  %s: %s at %d %%, %d of its %d answers were wrong; p99 %.1f ms, of the stable version %.1f ms\n",
			c.Version, c.Outcome, c.Share, c.Failures, c.Requests, c.P99MS, c.StableMS)
	}
	if r.Spared > 0 {
		fmt.Fprintf(out, "  the stable version answered %d requests that a canary had not\n", r.Spared)
	}
	if c := r.Schema; c != nil {
		fmt.Fprintf(out, "  %d moves and %d deploys, %d rows back-filled; %d stale reads, %d lost writes, %d mismatches\n",
			c.Moves, c.Deploys, c.Filled, *r.StaleReads, c.LostWrites, c.Mismatches)
	}
}

// printShares has the second version's, if there are two: with more, the lines that were
// written on the way say more.
func (r result) printShares(out io.Writer) {
	versions := map[string]bool{}
	for _, responses := range r.Shares {
		for version := range responses {
			versions[version] = true
		}
	}
	if len(versions) != 2 || !versions["v2"] {
		return
	}
	fmt.Fprint(out, "  v2's share, second by second:")
	for _, responses := range r.Shares {
		all := 0
		for _, n := range responses {
			all += n
		}
		fmt.Fprintf(out, " %d%%", 100*responses["v2"]/max(1, all))
	}
	fmt.Fprintln(out)
}

func printJSON(out io.Writer, v any) {
	if err := json.NewEncoder(out).Encode(v); err != nil {
		fmt.Fprintln(out, err)
	}
}

func lastNew(s shutdown.Report) string {
	if s.LastNew == 0 {
		return "no new connection came after it began to drain"
	}
	return fmt.Sprintf("the last new connection came %v after it began to drain", s.LastNew.Round(time.Millisecond))
}
