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
	ended    time.Time
	requests int
	failed   int
	kinds    map[string]int
	failures []Failure
	all      []time.Duration // latency of those answered
	fast     []time.Duration // ... on Path
	shares   []map[string]int
	signals  map[string]time.Time // when each process got SIGTERM
	latest   time.Time            // when the last of them did
}

func newTally() *tally {
	return &tally{kinds: make(map[string]int), signals: make(map[string]time.Time)}
}

// begin and end are when the load begins, and when its last request has ended.
func (t *tally) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begun = time.Now()
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
	if v.version != "" {
		t.share(now)[v.version]++
	}
	if v.kind != "" {
		t.fail(v, r, now)
		return
	}
	t.all = append(t.all, now.Sub(r.Due))
	if !r.Slow {
		t.fast = append(t.fast, now.Sub(r.Due))
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

// share is the bucket of the second that now lies in.
func (t *tally) share(now time.Time) map[string]int {
	second := int(now.Sub(t.begun) / time.Second)
	for len(t.shares) <= second {
		t.shares = append(t.shares, make(map[string]int))
	}
	return t.shares[second]
}

// lately is the number of requests and failures so far, and the responses of
// the last whole second.
func (t *tally) lately() (requests, failed int, share map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if second := int(time.Since(t.begun)/time.Second) - 1; second >= 0 && second < len(t.shares) {
		share = maps.Clone(t.shares[second])
	}
	return t.requests, t.failed, share
}

func (t *tally) result() Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.all)
	slices.Sort(t.fast)
	return Result{
		Seconds:   t.ended.Sub(t.begun).Seconds(),
		Requests:  t.requests,
		Failed:    t.failed,
		Kinds:     maps.Clone(t.kinds),
		Failures:  slices.Clone(t.failures),
		P50MS:     quantile(t.all, 0.50),
		P99MS:     quantile(t.all, 0.99),
		FastP99MS: quantile(t.fast, 0.99),
		Shares:    slices.Clone(t.shares),
	}
}

// quantile takes the nearest rank of what is sorted.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return milliseconds(sorted[int(q*float64(len(sorted)-1)+0.5)])
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
