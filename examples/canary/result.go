package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// result is what is printed.
type result struct {
	Store     string    `json:"store"`
	Guarded   bool      `json:"guarded"`
	Seconds   float64   `json:"seconds"`
	Scenarios []outcome `json:"scenarios"`
}

// outcome is what came of one scenario.
type outcome struct {
	Scenario string  `json:"scenario"` // healthy, failing or slow
	Outcome  string  `json:"outcome"`  // promoted, rolled_back or unfinished
	Why      string  `json:"why"`
	Share    float64 `json:"share"` // the largest, in percent
	Seconds  float64 `json:"seconds"`
	Requests int     `json:"requests"` // of both versions
	Canary   int     `json:"canary_requests"`
	Failures int     `json:"canary_failures"`
	Slow     int     `json:"canary_slow"`
	Hurt     int     `json:"hurt"`         // users for whom the new version failed, or was slow, at least once
	OldSlow  int     `json:"control_slow"` // answers of the old version: those of a machine that is busy with other things

	want, is string
	samples  []sample
}

// sample is what there was at one moment. The counts are those since the beginning.
type sample struct {
	at, share  float64
	isNew, old arm
	evidence   map[string]float64
	threshold  float64
}

func (o *outcome) take(l *load, began time.Time) {
	isNew, old, hurt, _ := l.seen()
	o.Seconds = time.Since(began).Seconds()
	o.Requests, o.Canary = isNew.Requests+old.Requests, isNew.Requests
	o.Failures, o.Slow, o.Hurt = isNew.Failures, isNew.Slow, hurt
	o.OldSlow = old.Slow
}

// busy reports whether the machine has made one answer of a hundred slow that the old
// version has given: then what the guards say of time is about the machine.
func (r result) busy() bool {
	slow, all := 0, 0
	for _, o := range r.Scenarios {
		slow, all = slow+o.OldSlow, all+o.Requests-o.Canary
	}
	return 100*slow > all
}

// right reports whether each version came to what it deserves.
func (r result) right() bool {
	for _, o := range r.Scenarios {
		if o.Outcome != o.want {
			return false
		}
	}
	return true
}

func (r result) print(out io.Writer, asJSON bool) {
	guard := "guarded"
	if !r.Guarded {
		guard = "unguarded"
	}
	fmt.Fprintf(out, "\n%s, flags in %s, %.1f s\n", guard, r.Store, r.Seconds)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "new version\toutcome\tlargest share\trequests\tof the canary\tfailed\tslow\tusers hurt\t")
	for _, o := range r.Scenarios {
		fmt.Fprintf(table, "%s\t%s\t%.0f %%\t%d\t%d\t%d\t%d\t%d\t\n", o.Scenario, strings.ReplaceAll(o.Outcome, "_", " "),
			o.Share, o.Requests, o.Canary, o.Failures, o.Slow, o.Hurt)
	}
	_ = table.Flush()
	if r.busy() {
		fmt.Fprintln(out, "The old version was slow as well, in more than one answer of a hundred: this machine is busy with other things.")
	}
	if asJSON {
		line, _ := json.Marshal(r) // texts and finite numbers
		fmt.Fprintf(out, "%s\n", line)
	}
}
