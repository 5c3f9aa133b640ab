package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/handover-go/handover/examples/rollout/internal/strategy"
	"github.com/handover-go/handover/shutdown"
)

// write is the result in words.
func write(out io.Writer, r strategy.Result) {
	fmt.Fprintf(out, "\n%s, %s, balancer %s: %v", r.Strategy, r.Service, r.Balancer, r.Result)
	if r.Naive != "" {
		fmt.Fprintf(out, "  naive: %s\n", r.Naive)
	}
	printShares(out, r)
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
func printShares(out io.Writer, r strategy.Result) {
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
