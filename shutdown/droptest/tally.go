package droptest

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/handover-go/handover/shutdown/droptest/internal/load"
)

// failuresKept of the failures are described one by one; all are counted.
const failuresKept = 100

// tally counts what became of the requests.
type tally struct {
	mu       sync.Mutex
	begun    time.Time
	stopped  time.Time
	ended    time.Time
	requests int
	failed   int
	kinds    map[string]int
	failures []Failure
	seconds  []second
	signals  map[string]time.Time // when each process got SIGTERM
	latest   time.Time            // when the last of them did
}

// second is what became known in one second of the load.
type second struct {
	shares map[string]int
	failed int
	all    []time.Duration // latency of those answered
	fast   []time.Duration // ... on Path
}

func newTally() *tally {
	return &tally{kinds: make(map[string]int), signals: make(map[string]time.Time)}
}

// begin, stop and end are when the load begins, when it sends nothing more, and when its
// last request has ended.
func (t *tally) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begun = time.Now()
}

func (t *tally) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = time.Now()
}

func (t *tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = time.Now()
}

func (t *tally) signalled(process string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latest = time.Now()
	t.signals[process] = t.latest
}

func (t *tally) count(v verdict, r load.Request) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
	s := t.second(now)
	if v.version != "" {
		s.shares[v.version]++
	}
	if v.kind != "" {
		s.failed++
		t.fail(v, r, now)
		return
	}
	s.all = append(s.all, now.Sub(r.Due))
	if !r.Slow {
		s.fast = append(s.fast, now.Sub(r.Due))
	}
}

func (t *tally) fail(v verdict, r load.Request, now time.Time) {
	t.failed++
	t.kinds[v.kind]++
	if len(t.failures) == failuresKept {
		return
	}
	failure := Failure{
		Kind:    v.kind,
		Request: r.String(),
		Process: v.process,
		AfterMS: t.afterSignal(v.process, now),
		TookMS:  milliseconds(now.Sub(r.Due)),
	}
	if v.err != nil {
		failure.Error = v.err.Error()
	}
	t.failures = append(t.failures, failure)
}

func (t *tally) afterSignal(process string, now time.Time) float64 {
	since, known := t.signals[process]
	if !known {
		since = t.latest
	}
	if since.IsZero() {
		return -1
	}
	return milliseconds(now.Sub(since))
}

// second is the one that now lies in.
func (t *tally) second(now time.Time) *second {
	n := int(now.Sub(t.begun) / time.Second)
	for len(t.seconds) <= n {
		t.seconds = append(t.seconds, second{shares: make(map[string]int)})
	}
	return &t.seconds[n]
}

// lately is the number of requests and failures so far, and the responses of
// the last whole second.
func (t *tally) lately() (requests, failed int, share map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := int(time.Since(t.begun)/time.Second) - 1; n >= 0 && n < len(t.seconds) {
		share = maps.Clone(t.seconds[n].shares)
	}
	return t.requests, t.failed, share
}

// result is what there is, of a deployment that began then.
func (t *tally) result(began time.Time) Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := Result{
		Seconds:  t.ended.Sub(t.begun).Seconds(),
		Requests: t.requests,
		Failed:   t.failed,
		Kinds:    maps.Clone(t.kinds),
		Failures: slices.Clone(t.failures),
	}
	if !t.begun.IsZero() {
		r.LoadFromMS = milliseconds(t.begun.Sub(began))
	}
	if !t.stopped.IsZero() {
		r.LoadToMS = milliseconds(t.stopped.Sub(began))
	}
	var all, fast []time.Duration
	for _, s := range t.seconds {
		all, fast = append(all, s.all...), append(fast, s.fast...)
		r.Shares = append(r.Shares, s.shares)
		r.FailedBySecond = append(r.FailedBySecond, s.failed)
		r.P99BySecond = append(r.P99BySecond, quantile(s.all, 0.99))
		r.FastP99BySecond = append(r.FastP99BySecond, quantile(s.fast, 0.99))
	}
	r.P50MS, r.P99MS, r.FastP99MS = quantile(all, 0.50), quantile(all, 0.99), quantile(fast, 0.99)
	return r
}

// quantile takes the nearest rank, and sorts for it.
func quantile(all []time.Duration, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return milliseconds(all[int(q*float64(len(all)-1)+0.5)])
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
