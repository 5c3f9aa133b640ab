package analysis

import (
	"slices"
	"sync"
	"time"

	"github.com/handover-go/handover/flags/guard"
)

// Analysis judges a canary by its answers: how many fail, and how many are slower than the
// slowest hundredth of the stable version's, several times over. Its methods may be called
// at the same time; Step, Passes, Trips and End come after Begin.
type Analysis struct {
	mu      sync.Mutex
	version string // of the canary; empty is none
	judge   *guard.Judge
	slow    time.Duration
	canary  arm
	stable  arm
}

type arm struct {
	requests, failures int
	took               []time.Duration
}

// The bounds. With less than fair the p99 of a machine that is busy with this example
// would speak, and not the version's.
const (
	maxErrors = 0.01
	maxSlow   = 0.05
	slower    = 4 // times the stable version's p99
	fair      = 500 * time.Millisecond
	least     = 20 // answers in each step
)

// Begin judges from here on. What the stable version has taken so far is the measure.
func (a *Analysis) Begin(version string) (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slow = max(fair, slower*a.stable.p99())
	a.judge, err = guard.NewJudge(guard.Config{MaxErrors: maxErrors, Slow: a.slow, MaxSlow: maxSlow, Least: least})
	a.version, a.canary = version, arm{}
	return err
}

// Seen is told of each answer.
func (a *Analysis) Seen(version string, took time.Duration, failed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if version != a.version {
		a.stable.add(took, failed)
		return
	}
	a.canary.add(took, failed)
	a.judge.Add(guard.Sample{
		Seconds: []guard.Second{{At: time.Now().Unix(), Counts: map[string]guard.Count{
			"errors": {New: guard.Arm{Requests: 1, Failures: one(failed)}},
			"slow":   {New: guard.Arm{Requests: 1, Failures: one(took > a.slow)}},
		}}},
		Ended: guard.Ended{New: map[int]uint64{0: 1}},
	})
}

func one(so bool) uint64 {
	if so {
		return 1
	}
	return 0
}

// Step begins one: there have to be enough answers in each.
func (a *Analysis) Step() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.judge.Step()
}

// Passes reports whether the canary has had enough good answers in this step.
func (a *Analysis) Passes() bool { return a.state() == guard.Passing }

// Trips reports whether it is bad.
func (a *Analysis) Trips() bool { return a.state() == guard.Tripped }

func (a *Analysis) state() guard.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.judge.Verdict().State
}

// Findings are what was seen of a canary.
type Findings struct {
	Why                string // it passes, or does not
	Requests, Failures int    // its answers
	P99, StableP99     time.Duration
}

// End says what was seen, and judges nobody any more. What is promoted is the stable version
// from here on.
func (a *Analysis) End(promoted bool) Findings {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := Findings{a.judge.Verdict().Why, a.canary.requests, a.canary.failures, a.canary.p99(), a.stable.p99()}
	if promoted {
		a.stable = arm{}
	}
	a.version = ""
	return f
}

func (r *arm) add(took time.Duration, failed bool) {
	r.requests++
	if failed {
		r.failures++
	}
	r.took = append(r.took, took)
}

func (r *arm) p99() time.Duration {
	if len(r.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(r.took))
	return sorted[(len(sorted)-1)*99/100]
}
