//go:build unix && !race

package bench_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkProbe measures what a probe costs that asks about ten checks, which all
// pass: at once, or after 5 ms. One goroutine asks, or 64 do at the same time; then
// ns/op is by how much each probe delays the whole, and p50 and p99 are how long its
// prober waits. They take seconds to queue: -benchtime 5s. core-ns/op is processor
// time, as in BenchmarkMiddleware, and runs/probe how often a check is executed for
// each probe, which is what the checked pay for it.
func BenchmarkProbe(b *testing.B) {
	for _, work := range []struct {
		name string
		take time.Duration
	}{{"trivial", 0}, {"5ms", 5 * time.Millisecond}} {
		for _, probers := range []struct {
			name string
			ask  func(*testing.B, probed, *checks)
		}{{"serial", probeSerially}, {"64", probeInParallel}} {
			for _, p := range allProbed() {
				b.Run(work.name+"/"+probers.name+"/"+p.name, func(b *testing.B) {
					probers.ask(b, p, &checks{take: work.take})
				})
			}
		}
	}
}

func probeSerially(b *testing.B, p probed, c *checks) {
	b.Helper()
	probe := prober(greenHandler(b, p, c), p.path)
	b.ReportAllocs()
	report := c.measure(b)
	for b.Loop() {
		if probe() != http.StatusOK {
			b.Fatal("not green")
		}
	}
	report()
}

const (
	goroutines = 64
	// timed is how few of the probes are timed, one in so many: two looks at the
	// clock cost as much as a floor does.
	timed = 16
	// kept is as many of their times as each goroutine keeps: the latest, which had
	// the longest queue before them.
	kept = 64
)

func probeInParallel(b *testing.B, p probed, c *checks) {
	b.Helper()
	h := greenHandler(b, p, c)
	perProcessor := (goroutines + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	b.SetParallelism(perProcessor)
	probers := make(chan func() int, perProcessor*runtime.GOMAXPROCS(0))
	for range cap(probers) {
		probers <- prober(h, p.path)
	}
	waits := make([]time.Duration, 0, kept*cap(probers))
	var mu sync.Mutex // guards waits
	var red atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	report := c.measure(b)
	b.RunParallel(func(pb *testing.PB) {
		prober := <-probers
		probe := func() {
			if prober() != http.StatusOK {
				red.Add(1)
			}
		}
		var latest [kept]time.Duration
		n := 0
		for ; pb.Next(); n++ {
			if n%timed != 0 {
				probe()
				continue
			}
			began := time.Now()
			probe()
			latest[n/timed%kept] = time.Since(began)
		}
		mu.Lock()
		defer mu.Unlock()
		waits = append(waits, latest[:min((n+timed-1)/timed, kept)]...)
	})
	report()
	require.Zero(b, red.Load())
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2]), "p50-ns")
	b.ReportMetric(float64(waits[len(waits)*99/100]), "p99-ns")
}

// measure begins to count; report says what it comes to for each probe. Runs are
// rounded to hundredths: what the background adds in a second is less, and is not
// the probes'.
func (c *checks) measure(b *testing.B) (report func()) {
	b.Helper()
	runs, cpu := c.runs.Load(), cpuTime()
	return func() {
		n := float64(b.N)
		b.ReportMetric(float64(cpuTime()-cpu)/n, "core-ns/op")
		b.ReportMetric(math.Round(float64(c.runs.Load()-runs)/n*100)/100, "runs/probe")
	}
}

// answer is the least that a server's ResponseWriter does. As there, each request
// finds an empty header, if not a new one.
type answer struct {
	header http.Header
	code   int
}

func (a *answer) Header() http.Header  { return a.header }
func (a *answer) WriteHeader(code int) { a.code = code }
func (a *answer) Write(p []byte) (int, error) {
	if a.code == 0 {
		a.code = http.StatusOK
	}
	return len(p), nil
}

func (a *answer) WriteString(string) (int, error) { return a.Write(nil) }

// prober asks as a kubelet does, and returns the code of the answer. All of them
// are at one address, as those of a node are: who counts, counts in one place.
func prober(h http.Handler, path string) (probe func() int) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = "10.0.0.1:40312"
	r.Header.Set("User-Agent", "kube-probe/1.37")
	r.Header.Set("Accept", "*/*")
	w := &answer{header: http.Header{}}
	return func() int {
		clear(w.header)
		w.code = 0
		h.ServeHTTP(w, r)
		return w.code
	}
}

// greenHandler waits until all checks have passed.
func greenHandler(tb testing.TB, p probed, c *checks) http.Handler {
	tb.Helper()
	h := p.start(tb, c)
	probe := prober(h, p.path)
	require.Eventually(tb, func() bool { return probe() == http.StatusOK }, 10*time.Second, time.Millisecond, p.name)
	return h
}

// In a bubble no time passes beside what the probes take, so what is run, and what
// is allocated, is theirs.
func TestWhatAProbeRunsAndAllocates(t *testing.T) {
	type cost struct {
		runs      int64 // of a hundred probes
		allocates bool
	}
	costs := map[string]cost{
		"floor-static":            {0, false},
		"floor-snapshot":          {0, false},
		"handover":                {0, false},
		"heptio":                  {1000, true},
		"heptio-async":            {0, true},
		"alexliesenfeld-cache":    {0, true},
		"alexliesenfeld-periodic": {0, true},
		"hellofresh":              {1000, true},
		"go-sundheit":             {0, true},
		"controller-runtime":      {1000, true},
		"apiserver":               {1000, true},
	}
	for _, p := range allProbed() {
		for _, take := range []time.Duration{0, 5 * time.Millisecond} {
			t.Run(p.name+"/"+take.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := &checks{take: take}
					probe := prober(p.start(t, c), p.path)
					time.Sleep(100 * time.Millisecond) // for those who run in the background
					require.Equal(t, http.StatusOK, probe())
					before := c.runs.Load()
					allocations := testing.AllocsPerRun(99, func() { probe() }) // and one beforehand
					require.Equal(t, costs[p.name], cost{c.runs.Load() - before, allocations > 0})
				})
			})
		}
	}
}
