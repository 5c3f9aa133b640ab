package guard_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/guard"
)

// arrivals is traffic that is made up: so many requests of the new arm each second, of
// which each fails by a die.
type arrivals struct {
	requests  int                      // of the new arm, in all
	perSecond int                      // of the new arm
	control   func(second int) int     // of the control arm in a second; nil for none
	rate      func(second int) float64 // of failures in the new arm
	rateOld   func(second int) float64 // and in the control arm
}

func always(rate float64) func(int) float64 { return func(int) float64 { return rate } }

// run plays the traffic, a Verdict each second, and gives the number of requests of the
// new arm after which it tripped; 0 for never.
func (a arrivals) run(tb testing.TB, cfg guard.Config, seed uint64) (caught int) {
	tb.Helper()
	judge, err := guard.NewJudge(cfg)
	require.NoError(tb, err)
	die, other := newDie(seed), newDie(^seed)
	for second := 0; second*a.perSecond < a.requests; second++ {
		n := guard.Count{New: guard.Arm{Requests: uint64(a.perSecond), Failures: uint64(die.failures(a.perSecond, a.rate(second)))}}
		if a.control != nil {
			old := a.control(second)
			n.Control = guard.Arm{Requests: uint64(old), Failures: uint64(other.failures(old, a.rateOld(second)))}
		}
		judge.Add(guard.Sample{Seconds: []guard.Second{{At: int64(1_800_000_000 + second), Counts: map[string]guard.Count{"errors": n}}}})
		if judge.Verdict().State == guard.Tripped {
			return (second + 1) * a.perSecond
		}
	}
	return 0
}

// constant is what Flagger does (pkg/controller/scheduler.go): each interval the success
// rate of the interval is held against a constant, a check that fails is counted, and
// five of them are a rollback.
func (a arrivals) constant(bound float64, perWindow int, seed uint64) (caught int) {
	die, failed := newDie(seed), 0
	for sent := 0; sent < a.requests; {
		bad := die.failures(perWindow, a.rate(sent/a.perSecond))
		sent += perWindow
		if float64(bad)/float64(perWindow) > bound {
			if failed++; failed == 5 {
				return sent
			}
		}
	}
	return 0
}

// die says how many fail. It is thrown once for each that does: 18,000 requests times 400
// are many.
type die struct {
	*rand.Rand
	rate float64
	well int // requests that go well before the next one fails
}

func newDie(seed uint64) *die { return &die{Rand: rand.New(rand.NewPCG(seed, 8)), rate: -1} }

func (d *die) failures(n int, rate float64) (failed int) {
	if rate != d.rate {
		d.rate = rate
		d.throw()
	}
	for n > d.well {
		n -= d.well + 1
		failed++
		d.throw()
	}
	d.well -= n
	return failed
}

// throw is how many requests go well in a row.
func (d *die) throw() {
	d.well = int(min(math.Log(1-d.Float64())/math.Log1p(-d.rate), math.MaxInt32))
}

// runs is how many of so many have tripped, and the median of when.
func runs(n uint64, run func(seed uint64) int) (tripped, median int) {
	var when []int
	for seed := range n {
		if at := run(seed); at > 0 {
			when = append(when, at)
		}
	}
	slices.Sort(when)
	if len(when) > 0 {
		median = when[len(when)/2]
	}
	return len(when), median
}

// What issue after issue of canary analysers is about (fluxcd/flagger#1035, #1098, #1689):
// a canary with sixty requests in a minute, which is well, and is rolled back.
func TestSimulation(t *testing.T) {
	const times = 400
	tests := map[string]struct {
		rate      float64
		perSecond int // a look at the verdict comes after so many
		tripped   int
		median    int // at most
	}{
		"a tenth of the bound":     {rate: 0.001, perSecond: 60},
		"half the bound":           {rate: 0.005, perSecond: 60},
		"nearly the bound":         {rate: 0.009, perSecond: 60},
		"three times the bound":    {rate: 0.03, perSecond: 4, tripped: times, median: 800},
		"ten times the bound":      {rate: 0.1, perSecond: 1, tripped: times, median: 80},
		"half of all":              {rate: 0.5, perSecond: 1, tripped: times, median: 10},
		"each":                     {rate: 1, perSecond: 1, tripped: times, median: 5},
		"each, at ten in a second": {rate: 1, perSecond: 10, tripped: times, median: 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := arrivals{requests: 18_000, perSecond: tt.perSecond, rate: always(tt.rate)}
			tripped, median := runs(times, func(seed uint64) int { return a.run(t, guard.Config{MaxErrors: 0.01}, seed) })
			t.Logf("%-25s guard: %3d of %d tripped, after %d requests", name, tripped, times, median)
			for _, perWindow := range []int{60, 600} {
				rolled, after := runs(times, func(seed uint64) int { return a.constant(0.01, perWindow, seed) })
				t.Logf("%-25s five windows of %3d over 1 %%: %3d of %d rolled back, after %d requests", name, perWindow, rolled, times, after)
			}
			require.Equal(t, tt.tripped, tripped)
			require.LessOrEqual(t, median, tt.median)
		})
	}
}

// A guard that promises 5 % and is asked after each request, of a path that is exactly at
// its bound, may trip in 5 % of its lives. Two that are built wrongly do not pass.
func TestTheSimulationTellsAGuardThatCriesWolf(t *testing.T) {
	const times, promised = 300, 0.05
	at := arrivals{requests: 600, perSecond: 1, rate: always(0.01)}
	guards := map[string]struct {
		run   func(seed uint64) int
		sound bool
	}{
		"this one": {run: func(seed uint64) int { return at.run(t, guard.Config{FalseAlarm: promised}, seed) }, sound: true},
		"a threshold that is too low": {run: func(seed uint64) int {
			return at.run(t, guard.Config{FalseAlarm: 0.4}, seed)
		}},
		"a test for one look, looked at after each request": {run: func(seed uint64) int { return at.looking(0.01, seed) }},
	}
	for name, tt := range guards {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tripped, _ := runs(times, tt.run)
			t.Logf("%s: %.1f %% of lives, of 5 %%", name, 100*float64(tripped)/times)
			require.Equal(t, tt.sound, tripped <= promised*times, "%d of %d", tripped, times)
		})
	}
}

// looking is a test of significance at 5 %, one-sided, that is repeated with each request
// from the hundredth on.
func (a arrivals) looking(bound float64, seed uint64) (caught int) {
	die, failed := newDie(seed), 0
	for n := 1; n <= a.requests; n++ {
		failed += die.failures(1, a.rate(n))
		mean := bound * float64(n)
		if n >= 100 && float64(failed)-mean > 1.645*math.Sqrt(mean*(1-bound)) {
			return n
		}
	}
	return 0
}

// during is one rate between two seconds, and another at all other times.
func during(from, to int, then, otherwise float64) func(int) float64 {
	return func(second int) float64 {
		if second >= from && second < to {
			return then
		}
		return otherwise
	}
}

// A database that is away is not the new path's fault.
func TestSimulationAgainstTheControlArm(t *testing.T) {
	const times = 40
	outage := during(200, 320, 0.5, 0.002) // for two minutes in the middle
	twenty := func(int) int { return 95 }  // requests of the control arm for 5 of the new one
	tests := map[string]struct {
		arrivals
		alone, compared int // lives that tripped, by the bound alone and with Config.Control
		median          int // with it, in requests of the new arm
	}{
		"an outage":                              {arrivals: arrivals{requests: 2000, perSecond: 5, control: twenty, rate: outage, rateOld: outage}, alone: times},
		"an outage, half and half":               {arrivals: arrivals{requests: 2000, perSecond: 5, control: func(int) int { return 5 }, rate: outage, rateOld: outage}, alone: times},
		"an outage in which all fails":           {arrivals: arrivals{requests: 2000, perSecond: 5, control: twenty, rate: during(200, 320, 1, 0.002), rateOld: during(200, 320, 1, 0.002)}, alone: times},
		"an outage in the moment of a step":      {arrivals: arrivals{requests: 2000, perSecond: 5, control: func(s int) int { return 95 - 90*min(1, s/200) }, rate: outage, rateOld: outage}, alone: times},
		"an outage while few come":               {arrivals: arrivals{requests: 400, perSecond: 1, control: func(s int) int { return s % 2 }, rate: outage, rateOld: outage}, alone: times},
		"both are a little over the bound":       {arrivals: arrivals{requests: 2000, perSecond: 5, control: twenty, rate: always(0.03), rateOld: always(0.03)}, alone: times},
		"both are well":                          {arrivals: arrivals{requests: 2000, perSecond: 5, control: twenty, rate: always(0.005), rateOld: always(0.005)}},
		"only the new one is ill":                {arrivals: arrivals{requests: 2000, perSecond: 5, control: twenty, rate: always(0.1), rateOld: always(0.005)}, alone: times, compared: times, median: 250},
		"only the new one is ill, half and half": {arrivals: arrivals{requests: 2000, perSecond: 5, control: func(int) int { return 5 }, rate: always(0.1), rateOld: always(0.005)}, alone: times, compared: times, median: 350},
		"each fails in the new one":              {arrivals: arrivals{requests: 2000, perSecond: 5, control: twenty, rate: always(1), rateOld: always(0.005)}, alone: times, compared: times, median: 110},
		"all is new":                             {arrivals: arrivals{requests: 2000, perSecond: 5, rate: during(200, 400, 1, 0.005)}, alone: times, compared: times, median: 1200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alone, _ := runs(times, func(seed uint64) int { return tt.run(t, guard.Config{}, seed) })
			compared, median := runs(times, func(seed uint64) int { return tt.run(t, guard.Config{Control: true}, seed) })
			t.Logf("%-38s by the bound %3d of %d tripped, with the control arm %3d, after %d requests", name, alone, times, compared, median)
			require.Equal(t, tt.alone, alone)
			require.Equal(t, tt.compared, compared)
			require.LessOrEqual(t, median, tt.median)
		})
	}
}

// A path that was well for an hour is caught as soon as it is not: what went well before
// is no credit.
func TestSimulationOfARegressionThatComesLate(t *testing.T) {
	const hour = 3600
	tests := map[string]struct {
		rate  float64
		after int // requests from then on, at most, in the median
	}{
		"each fails": {rate: 1, after: 20},
		"one of ten": {rate: 0.1, after: 250},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := arrivals{requests: 2 * hour * 10, perSecond: 10, rate: during(hour, 2*hour, tt.rate, 0.001)}
			tripped, median := runs(12, func(seed uint64) int { return a.run(t, guard.Config{}, seed) })
			t.Logf("%s after 36,000 requests that went well: tripped after %d more", name, median-hour*10)
			require.Equal(t, 12, tripped)
			require.Positive(t, median-hour*10)
			require.LessOrEqual(t, median-hour*10, tt.after)
		})
	}
}
