package load

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Tally counts what has become of the requests. Its methods may be called at the same time.
type Tally struct {
	mu           sync.Mutex
	begun, ended time.Time
	counts       Counts
	took         []time.Duration // of those answered
}

// Counts are what a tally knows.
type Counts struct {
	Seconds          float64
	Requests, Failed int
	Kinds            map[string]int // how many failed in which way
	Stale            int            // reads that were right once
	P50, P99         time.Duration  // of those answered, from the moment they were due
	Shares           []map[string]int
}

func newTally() *Tally { return &Tally{counts: Counts{Kinds: map[string]int{}}} }

func (t *Tally) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begun = time.Now()
}

func (t *Tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = time.Now()
}

func (t *Tally) count(a answer, due time.Time) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Requests++
	if a.version != "" {
		t.share(now)[a.version]++
	}
	if a.stale {
		t.counts.Stale++
	}
	if a.kind != "" {
		t.counts.Failed++
		t.counts.Kinds[a.kind]++
		return
	}
	t.took = append(t.took, now.Sub(due))
}

// share is the bucket of the second that now lies in.
func (t *Tally) share(now time.Time) map[string]int {
	second := int(now.Sub(t.begun) / time.Second)
	for len(t.counts.Shares) <= second {
		t.counts.Shares = append(t.counts.Shares, map[string]int{})
	}
	return t.counts.Shares[second]
}

// Lately is what there is so far, and the answers of the last whole second by version.
func (t *Tally) Lately() (requests, failed int, shares map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if second := int(time.Since(t.begun)/time.Second) - 1; !t.begun.IsZero() && second >= 0 && second < len(t.counts.Shares) {
		shares = maps.Clone(t.counts.Shares[second])
	}
	return t.counts.Requests, t.counts.Failed, shares
}

// Counts are all, when the load has ended.
func (t *Tally) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.took)
	c := t.counts
	c.Kinds, c.Shares = maps.Clone(c.Kinds), slices.Clone(c.Shares)
	c.P50, c.P99 = quantile(t.took, 0.50), quantile(t.took, 0.99)
	if !t.begun.IsZero() && t.ended.After(t.begun) {
		c.Seconds = t.ended.Sub(t.begun).Seconds()
	}
	return c
}

// quantile takes the nearest rank of what is sorted.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}
