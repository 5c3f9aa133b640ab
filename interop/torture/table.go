//go:build unix

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/handover-go/handover/interop/torture/internal/load"
	"github.com/handover-go/handover/interop/torture/internal/roll"
)

// table prints one block for each balancer, with TLS and without, lag and rate, a row for each protocol
// and the variants side by side: lost (and unsent) of requests, cut of messages.
func table(out io.Writer, all []roll.Result) {
	for len(all) > 0 {
		first := all[0]
		n := slices.IndexFunc(all, func(r roll.Result) bool {
			return r.Balancer != first.Balancer || r.TLS != first.TLS || r.Lag != first.Lag || r.Rate != first.Rate
		})
		if n < 0 {
			n = len(all)
		}
		block(out, all[:n])
		all = all[n:]
	}
}

func block(out io.Writer, side []roll.Result) {
	first := side[0]
	encrypted := map[bool]string{true: " with TLS"}[first.TLS]
	fmt.Fprintf(out, "\n%s%s, lag %v, %d requests/s\n", first.Balancer, encrypted, first.Lag, first.Rate)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	header, rule := "protocol", "--------"
	for _, r := range side {
		header += "\t" + r.Variant
		rule += "\t" + strings.Repeat("-", len(r.Variant))
	}
	fmt.Fprintf(w, "%s\n%s\n", header, rule)
	for _, protocol := range load.Protocols() {
		row, any := protocol, false
		for _, r := range side {
			c, ok := r.Counts[protocol]
			row += "\t" + cell(c.Requests, c.Lost, c.Unsent, c.Messages, c.Cut, ok)
			any = any || ok
		}
		if any {
			fmt.Fprintln(w, row)
		}
	}
	total, exits, longest := "all", "exits", "longest stop"
	for _, r := range side {
		c := r.Total()
		total += "\t" + cell(c.Requests, c.Lost, c.Unsent, c.Messages, c.Cut, true)
		var states []string
		for _, state := range slices.Sorted(maps.Keys(r.Exits)) {
			states = append(states, fmt.Sprintf("%s ×%d", strings.TrimPrefix(state, "exit status "), r.Exits[state]))
		}
		exits += "\t" + strings.Join(states, ", ")
		longest += "\t" + r.Longest.Round(10*time.Millisecond).String()
	}
	fmt.Fprintf(w, "%s\n%s\n%s\n", total, exits, longest)
	_ = w.Flush() // a terminal that has gone
	for _, r := range side {
		if reasons := r.Total().Reasons(); reasons != "" {
			fmt.Fprintf(out, "  %s: %s\n", r.Variant, reasons)
		}
	}
}

// cell is "3 of 1,200 lost, 2 unsent; 1 of 300 messages cut", in short.
func cell(requests, lost, unsent, messages, cut int, any bool) string {
	if !any {
		return "-"
	}
	s := fmt.Sprintf("%d/%d", lost, requests)
	if unsent > 0 {
		s += fmt.Sprintf(" (%d unsent)", unsent)
	}
	if messages > 0 {
		s += fmt.Sprintf(" cut %d/%d", cut, messages)
	}
	return s
}
