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
	seconds      []second
}

// second is one of the load.
type second struct {
	answers map[string]int // by version
	failed  int
	took    []time.Duration
}

// Counts are what a tally knows.
type Counts struct {
	Seconds          float64
	Requests, Failed int
	Kinds            map[string]int // how many failed in which way
	Stale            int            // reads that were right once
	P50, P99         time.Duration  // of those answered, from the moment they were due

	// Second by second: the answers by version, how many requests failed, and the P99, 0
	// if nobody answered.
	Shares   []map[string]int
	FailedBy []int
	P99By    []time.Duration
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
	second := t.second(now)
	if a.version != "" {
		second.answers[a.version]++
	}
	if a.stale {
		t.counts.Stale++
	}
	if a.kind != "" {
		t.counts.Failed++
		t.counts.Kinds[a.kind]++
		second.failed++
		return
	}
	t.took = append(t.took, now.Sub(due))
	second.took = append(second.took, now.Sub(due))
}

// second is the one that now lies in.
func (t *Tally) second(now time.Time) *second {
	i := int(now.Sub(t.begun) / time.Second)
	for len(t.seconds) <= i {
		t.seconds = append(t.seconds, second{answers: map[string]int{}})
	}
	return &t.seconds[i]
}

// Begun is when the load has begun; zero if it has not.
func (t *Tally) Begun() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.begun
}

// Lately is what there is so far, and the answers of the last whole second by version.
func (t *Tally) Lately() (requests, failed int, shares map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if second := int(time.Since(t.begun)/time.Second) - 1; !t.begun.IsZero() && second >= 0 && second < len(t.seconds) {
		shares = maps.Clone(t.seconds[second].answers)
	}
	return t.counts.Requests, t.counts.Failed, shares
}

// Counts are all, when the load has ended.
func (t *Tally) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.took)
	c := t.counts
	c.Kinds = maps.Clone(c.Kinds)
	for _, s := range t.seconds {
		slices.Sort(s.took)
		c.Shares = append(c.Shares, maps.Clone(s.answers))
		c.FailedBy = append(c.FailedBy, s.failed)
		c.P99By = append(c.P99By, quantile(s.took, 0.99))
	}
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
