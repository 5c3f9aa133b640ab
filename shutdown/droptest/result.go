package droptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Result is what a deployment did to the load. It prints well, and marshals to JSON.
type Result struct {
	Seconds  float64        `json:"seconds"` // that the load lasted
	Requests int            `json:"requests"`
	Failed   int            `json:"failed"`
	Killed   int            `json:"killed"`             // processes that had not exited in time after SIGTERM
	Kinds    map[string]int `json:"kinds"`              // how many failed in which way
	Failures []Failure      `json:"failures,omitempty"` // the first hundred

	P50MS     float64 `json:"p50_ms"` // of all requests that were answered, from the moment they were due
	P99MS     float64 `json:"p99_ms"`
	FastP99MS float64 `json:"fast_p99_ms"` // without those for SlowPath

	Processes []Process        `json:"processes"`
	Shares    []map[string]int `json:"shares"` // responses by version (X-Version), second by second

	// As long as Shares, and of the same seconds: those in which the response, or its
	// loss, became known, from the beginning of the load.
	FailedBySecond  []int     `json:"failed_by_second"`
	P99BySecond     []float64 `json:"p99_by_second_ms"`      // 0 when nothing was answered
	FastP99BySecond []float64 `json:"fast_p99_by_second_ms"` // without those for SlowPath

	// When the load began, and when it ended but for the answers, in milliseconds since
	// the beginning of Roll, as Event.At; 0 if it did not.
	LoadFromMS float64 `json:"load_from_ms"`
	LoadToMS   float64 `json:"load_to_ms"`
}

// Failure is one request that was lost. What the kinds point at, at a deployment:
//
//   - new: refused: the listener was closed while the balancer still sent;
//   - new: reset: the kernel had accepted the connection, and nobody else had
//     when the listener was closed;
//   - reused: eof, reused: reset: a kept connection was closed, and nobody had been
//     told (Connection: close), while a request was on its way;
//   - new: eof, truncated: the process ended before its response was written.
type Failure struct {
	// Kind is one of
	//
	//	new: refused, new: reset, new: eof         on a connection made for it
	//	reused: reset, reused: eof                 on one kept from an earlier request
	//	new: no endpoint                           nothing was in rotation
	//	bad gateway: reused eof, ...               the same between proxy and process
	//	truncated, malformed, unframed, time-out   the response
	//	status 503, ...                            400 and above, from the process
	Kind    string `json:"kind"`
	Request string `json:"request"`
	Process string `json:"process,omitempty"` // that it was sent to
	// AfterMS is when, in milliseconds after SIGTERM to that process; if it got
	// none, or is not known, after the latest SIGTERM; -1 before the first.
	AfterMS float64 `json:"after_signal_ms"`
	TookMS  float64 `json:"took_ms"`
	Error   string  `json:"error,omitempty"`
}

// Process is one process that took part.
type Process struct {
	Name     string  `json:"name"` // v1-2: the second process, of version v1
	Version  string  `json:"version"`
	PID      int     `json:"pid"`
	Replaced bool    `json:"replaced"` // it was ended under load; the others when the load was over
	ExitMS   float64 `json:"exit_ms"`  // from SIGTERM to exit
	Status   string  `json:"status"`   // "exit status 0", "signal: killed"
	Killed   bool    `json:"killed"`   // it had not exited in time after SIGTERM
}

// Err is nil if the deployment lost nothing: no request failed, and each process
// that was replaced exited by itself and with status 0. Its text is the report.
func (r Result) Err() error {
	lost := r.Failed > 0
	for _, p := range r.Processes {
		lost = lost || p.Replaced && !p.clean()
	}
	if !lost {
		return nil
	}
	return fmt.Errorf("droptest: the deployment lost something: %s", strings.TrimSpace(r.String()))
}

func (p Process) clean() bool { return !p.Killed && p.Status == "exit status 0" }

// String is a report of a few lines. Of the processes it has those that were
// replaced, and those that did not exit cleanly.
func (r Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests in %.1f s, %d failed; p50 %.1f ms, p99 %.1f ms", r.Requests, r.Seconds, r.Failed, r.P50MS, r.P99MS)
	if r.FastP99MS != r.P99MS { // else nothing is slow on purpose
		fmt.Fprintf(&b, " (%.1f ms without the slow ones)", r.FastP99MS)
	}
	b.WriteByte('\n')
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		fmt.Fprintf(&b, "  %d × %s%s\n", r.Kinds[kind], kind, r.when(kind))
	}
	for _, p := range r.Processes {
		if !p.Replaced && p.clean() {
			continue
		}
		fmt.Fprintf(&b, "  %s: %s%s\n", p.Name, p.Status, p.took())
	}
	return b.String()
}

// when is the span in which failures of a kind happened, of those described.
func (r Result) when(kind string) string {
	var after []float64
	for _, f := range r.Failures {
		if f.Kind == kind && f.AfterMS >= 0 {
			after = append(after, f.AfterMS)
		}
	}
	if len(after) == 0 {
		return ""
	}
	return fmt.Sprintf(", %.0f to %.0f ms after SIGTERM", slices.Min(after), slices.Max(after))
}

func (p Process) took() string {
	if p.ExitMS == 0 {
		return ""
	}
	return fmt.Sprintf(", %.0f ms after SIGTERM", p.ExitMS)
}
