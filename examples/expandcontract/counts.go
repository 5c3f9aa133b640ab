package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handover-go/handover/dbcompat"
)

// counts are what the workers have seen.
type counts struct {
	reads, writes, errors, stale atomic.Int64
	compared                     dbcompat.Mismatches

	mu             sync.Mutex
	before, during []time.Duration
	first          error
}

func (c *counts) done(read, walk bool, took time.Duration, err error) {
	if read {
		c.reads.Add(1)
	} else {
		c.writes.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.errors.Add(1)
		if c.first == nil {
			c.first = err
		}
	}
	if walk {
		c.during = append(c.during, took)
	} else {
		c.before = append(c.before, took)
	}
}

// result is what is printed.
type result struct {
	Rows       int64   `json:"rows"` // at the end
	Seconds    float64 `json:"seconds"`
	Stages     int     `json:"stages"` // that the fleet was moved to
	Filled     int64   `json:"filled"` // rows that back-fills have changed
	Reads      int64   `json:"reads"`
	Writes     int64   `json:"writes"`
	Errors     int64   `json:"errors"`
	StaleReads int64   `json:"stale_reads"`
	LostWrites int64   `json:"lost_writes"`
	Mismatches int64   `json:"mismatches"` // in the verifications
	P99Before  float64 `json:"p99_before_ms"`
	P99During  float64 `json:"p99_during_ms"`
	MaxDuring  float64 `json:"max_during_ms"`

	compared uint64
	first    error
}

func (r *result) take(c *counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.Reads, r.Writes, r.Errors, r.StaleReads = c.reads.Load(), c.writes.Load(), c.errors.Load(), c.stale.Load()
	r.compared, _ = c.compared.Counts()
	r.first = c.first
	r.P99Before, r.P99During, r.MaxDuring = quantile(c.before, 0.99), quantile(c.during, 0.99), quantile(c.during, 1)
}

// quantile is in milliseconds.
func quantile(all []time.Duration, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return float64(all[int(float64(len(all)-1)*q)].Microseconds()) / 1000
}

func (r result) lost() bool {
	return r.Errors > 0 || r.StaleReads > 0 || r.LostWrites > 0 || r.Mismatches > 0
}

func (r result) print(out io.Writer, asJSON bool) {
	fmt.Fprintf(out, "\n%d rows, %d stages, %d rows filled, in %.1f s\n", r.Rows, r.Stages, r.Filled, r.Seconds)
	fmt.Fprintf(out, "  reads        %8d  (%d compared old and new)\n  writes       %8d\n", r.Reads, r.compared, r.Writes)
	fmt.Fprintf(out, "  errors       %8d\n  stale reads  %8d\n  lost writes  %8d\n  mismatches   %8d\n",
		r.Errors, r.StaleReads, r.LostWrites, r.Mismatches)
	fmt.Fprintf(out, "  p99 before   %8.1f ms\n  p99 during   %8.1f ms, at most %.1f ms\n", r.P99Before, r.P99During, r.MaxDuring)
	if r.first != nil {
		fmt.Fprintln(out, "  the first error:", r.first)
	}
	if asJSON {
		line, _ := json.Marshal(r) // numbers
		fmt.Fprintf(out, "%s\n", line)
	}
}
