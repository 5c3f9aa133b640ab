package betting_test

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags/guard/internal/betting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const noon = 1_800_000_000

// requests are of the new arm.
func requests(begun, failed uint64) betting.Cell {
	return betting.Cell{New: betting.Arm{Begun: begun, Failed: failed}}
}

// The game is fair: over all ways in which eight requests may go at exactly the bound, the
// mean of the capital is what it was in the beginning. All else follows from that.
func TestTheGameIsFairAtTheBound(t *testing.T) {
	for _, bound := range []float64{0.001, 0.01, 0.3, 0.9} {
		mean := 0.0
		for way := range uint(1 << 8) {
			bet := betting.New(bound, false)
			for i := range 8 {
				bet.Add(noon+int64(i)*7, requests(1, uint64(way>>i&1)))
			}
			failed := float64(bits.OnesCount(way))
			mean += math.Pow(bound, failed) * math.Pow(1-bound, 8-failed) * bet.Evidence()
		}
		require.InDelta(t, 1, mean, 1e-9, "at a bound of %v", bound)
	}
}

// And against the gambler below it.
func TestTheGameIsAgainstHimBelowTheBound(t *testing.T) {
	const bound, rate = 0.1, 0.08
	mean := 0.0
	for way := range uint(1 << 8) {
		bet := betting.New(bound, false)
		for i := range 8 {
			bet.Add(noon+int64(i), requests(1, uint64(way>>i&1)))
		}
		failed := float64(bits.OnesCount(way))
		mean += math.Pow(rate, failed) * math.Pow(1-rate, 8-failed) * bet.Evidence()
	}
	require.Less(t, mean, 0.99)
}

// The comparison is fair to arms that are alike: over all ways in which the failures of a
// round may fall on them, however many they are.
func TestTheComparisonIsFairToArmsThatAreAlike(t *testing.T) {
	const all, ofNew = 9, 3
	for failed := range all + 1 {
		mean, ways := 0.0, 0.0
		for way := range uint(1 << all) { // bits are the requests that fail, the first of them those of the new arm
			if bits.OnesCount(way) != failed {
				continue
			}
			k := bits.OnesCount(way & (1<<ofNew - 1))
			bet := betting.New(betting.Least, true) // the bound is broken by any failure: what is left is the comparison
			bet.Add(noon, betting.Cell{
				New:     betting.Arm{Begun: ofNew, Failed: uint64(k)},
				Control: betting.Arm{Begun: all - ofNew, Failed: uint64(failed - k)},
			})
			bet.Add(noon+40, betting.Cell{})
			mean += bet.Evidence()
			ways++
		}
		require.LessOrEqual(t, mean/ways, 1+1e-9, "with %d failures", failed)
	}
}

// What is kept as one sum is what a gambler would have who writes down each of his bets.
func TestTheCapitalIsThatOfAllBets(t *testing.T) {
	const bound, seconds = 0.05, 100
	die := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		bet, cells := betting.New(bound, false), [seconds]betting.Arm{}
		for s := range int64(seconds) {
			cells[s].Begun = uint64(die.IntN(5))
			bet.Add(noon+s, requests(cells[s].Begun, 0))
			if began := s - die.Int64N(60); began >= 0 && cells[began].Failed < cells[began].Begun { // it has ended only now
				cells[began].Failed++
				bet.Add(noon+began, requests(0, 1))
			}
			require.InEpsilon(t, writtenDown(bound, cells[:s+1]), bet.Evidence(), 1e-9)
		}
	}
}

// writtenDown is the capital by its definition.
func writtenDown(bound float64, cells []betting.Arm) float64 {
	capital := 0.5 / float64(len(cells)) // in reserve
	for from := range cells {
		stake := 0.5 // in the first second
		if from > 0 {
			stake = 0.5/float64(from) - 0.5/float64(from+1)
		}
		var n, failed float64
		for _, c := range cells[from:] {
			n += float64(c.Begun)
			failed += float64(c.Failed)
		}
		for lane := range 12 {
			q := math.Pow(bound, 1-(float64(lane)+0.5)/12)
			capital += stake / 12 * math.Pow(q/bound, failed) * math.Pow((1-q)/(1-bound), n-failed)
		}
	}
	return capital
}

func TestBet(t *testing.T) {
	type added struct {
		second int64
		betting.Cell
	}
	both := func(begun, failed, ofControl, failedThere uint64) betting.Cell {
		return betting.Cell{New: betting.Arm{Begun: begun, Failed: failed}, Control: betting.Arm{Begun: ofControl, Failed: failedThere}}
	}
	hour := func(each betting.Cell, then added) (adds []added) {
		for s := range int64(3600) {
			adds = append(adds, added{noon + s, each})
		}
		return append(adds, then)
	}
	later := added{noon + 60, betting.Cell{}} // rounds of the comparison are over
	tests := map[string]struct {
		control  bool
		adds     []added
		from, to float64
	}{
		"nothing":                          {from: 0.99999, to: 1.00001},
		"nothing, against the control arm": {control: true, from: 0.99999, to: 1.00001},
		"no requests for a day":            {adds: []added{{noon, betting.Cell{}}, {noon + 86_400, betting.Cell{}}}, from: 0.99999, to: 1.00001},
		"a failure":                        {adds: []added{{noon, requests(1, 1)}}, from: 10, to: 20},
		"three failures":                   {adds: []added{{noon, requests(3, 3)}}, from: 20_000, to: 40_000},
		"10,000 that went well":            {adds: []added{{noon, requests(10_000, 0)}}, from: 0.5, to: 0.5001},
		"three failures after an hour that went well": {adds: hour(requests(10, 0), added{noon + 3600, requests(3, 3)}), from: 0.001, to: 0.01},
		"six failures after an hour that went well":   {adds: hour(requests(10, 0), added{noon + 3600, requests(6, 6)}), from: 1000, to: 1e6},
		"a failure that is nine minutes late": {
			adds: []added{{noon, requests(1, 0)}, {noon + 600, betting.Cell{}}, {noon, requests(0, 1)}}, from: 10, to: 20,
		},
		"a failure of no second":           {adds: []added{{0, requests(1, 1)}}, from: 10, to: 20},
		"a second before the first one":    {adds: []added{{noon, requests(1, 0)}, {noon - 100, requests(1, 1)}}, from: 5, to: 10},
		"both arms fail always":            {control: true, adds: []added{{noon, both(50, 50, 950, 950)}, later}, from: 0.4, to: 1},
		"both arms fail half of the time":  {control: true, adds: []added{{noon, both(50, 25, 950, 475)}, later}, from: 0.4, to: 1},
		"only the new arm fails":           {control: true, adds: []added{{noon, both(5, 5, 95, 0)}, later}, from: 1e4, to: 1e7},
		"only the control arm fails":       {control: true, adds: []added{{noon, both(50, 0, 950, 475)}, later}, from: 0.4, to: 0.6},
		"a round that is not over":         {control: true, adds: []added{{noon, both(5, 5, 95, 0)}, {noon + 15, betting.Cell{}}}, from: 0.99999, to: 1.00001},
		"no control arm for half a minute": {control: true, adds: []added{{noon, requests(9, 9)}, later}, from: 0.9, to: 1.1},
		"no control arm for two minutes": {
			control: true, adds: []added{
				{noon, betting.Cell{}},
				{noon + 10, betting.Cell{}},
				{noon + 20, betting.Cell{}},
				{noon + 30, betting.Cell{}},
				{noon + 40, betting.Cell{}},
				{noon + 50, betting.Cell{}},
				{noon + 60, betting.Cell{}},
				{noon + 70, requests(9, 9)},
				{noon + 100, betting.Cell{}},
			}, from: 1e9, to: 1e17,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bet := betting.New(0.01, tt.control)
			for _, a := range tt.adds {
				bet.Add(a.second, a.Cell)
			}
			require.GreaterOrEqual(t, bet.Evidence(), tt.from)
			require.LessOrEqual(t, bet.Evidence(), tt.to)
		})
	}
}

// It makes no difference in what portions the counts come in, as they do from a fleet.
func TestPortionsMakeNoDifference(t *testing.T) {
	whole, parts := betting.New(0.01, false), betting.New(0.01, false)
	for s := range int64(50) {
		whole.Add(noon+s, requests(20, uint64(s%2)))
	}
	for s := range int64(50) {
		parts.Add(noon+s, requests(12, 0))
	}
	for s := int64(49); s >= 0; s-- {
		parts.Add(noon+s, requests(8, 0))
		parts.Add(noon+s, requests(0, uint64(s%2)))
	}
	require.InEpsilon(t, whole.Evidence(), parts.Evidence(), 1e-9)
}

// Whatever is counted, and whoever counts wrongly.
func FuzzBet(f *testing.F) {
	f.Add(0.01, false, int64(noon), uint64(10), uint64(3), uint64(100), uint64(1), int64(1))
	f.Add(0.01, true, int64(noon), uint64(10), uint64(3), uint64(100), uint64(1), int64(20))
	f.Add(1.0, true, int64(-5), uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(0), uint64(7), int64(math.MaxInt64))
	f.Add(-1.0, false, int64(math.MaxInt64), uint64(0), uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(0), int64(math.MinInt64))
	f.Fuzz(func(t *testing.T, bound float64, control bool, second int64, n, failed, ofControl, failedThere uint64, step int64) {
		bet := betting.New(bound, control)
		for range 4 {
			bet.Add(second, betting.Cell{New: betting.Arm{Begun: n, Failed: failed}, Control: betting.Arm{Begun: ofControl, Failed: failedThere}})
			capital := bet.Evidence()
			if !(capital >= 0 && capital <= math.MaxFloat64) {
				t.Fatalf("the capital is %v", capital)
			}
			second += step
		}
	})
}
