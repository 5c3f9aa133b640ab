package guard_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
)

func TestWhatIsConfiguredWronglyIsRefused(t *testing.T) {
	many := map[string]float64{}
	for _, c := range "abcdefghijklmnopq" {
		many[string(c)] = 0.1
	}
	tests := map[string]struct {
		flag flags.Switch
		cfg  guard.Config
		want []string // mistakes, in order
	}{
		"nothing at all":       {flag: newCheckout},
		"all that there is":    {flag: newCheckout, cfg: guard.Config{MaxErrors: 0.5, Slow: 1, MaxSlow: 0.1, Metrics: map[string]float64{"a": 0.1}, Control: true, FalseAlarm: 0.1, Least: -1}},
		"errors are no matter": {flag: newCheckout, cfg: guard.Config{MaxErrors: -1, Slow: 1}},
		"no flag":              {want: []string{"no flag: give one"}},
		"a flag that is on by default": {
			flag: flags.Bool("safe", true, flags.About{SafeOn: true}),
			want: []string{"safe is on by default, so that a kill would send everybody to the new path"},
		},
		"percent": {flag: newCheckout, cfg: guard.Config{MaxErrors: 1, Slow: 1, MaxSlow: 5}, want: []string{
			"the bound of errors is 1: give a share from 1e-09 to 0.999, as 0.01 for 1%", "the bound of slow is 5",
		}},
		"no numbers":           {flag: newCheckout, cfg: guard.Config{MaxErrors: math.NaN(), FalseAlarm: math.NaN()}, want: []string{"the bound of errors is NaN", "FalseAlarm is NaN"}},
		"nothing is accepted":  {flag: newCheckout, cfg: guard.Config{Metrics: map[string]float64{"a": 0}}, want: []string{"the bound of a is 0"}},
		"negative":             {flag: newCheckout, cfg: guard.Config{Slow: 1, MaxSlow: -1, FalseAlarm: -1}, want: []string{"the bound of slow is -1", "FalseAlarm is -1"}},
		"names that are taken": {flag: newCheckout, cfg: guard.Config{Metrics: map[string]float64{"": 0.1, "slow": 0.1}}, want: []string{`the name ""`, `the name "slow"`}},
		"too many":             {flag: newCheckout, cfg: guard.Config{Metrics: many}, want: []string{"Metrics has 17 names: give those that should stop a rollout, 16 at most"}},
		"a share, but of what": {flag: newCheckout, cfg: guard.Config{MaxSlow: 0.1}, want: []string{"MaxSlow is 0.1, but nothing is slow"}},
		"nothing is tested":    {flag: newCheckout, cfg: guard.Config{MaxErrors: -1}, want: []string{"nothing is tested"}},
		"a certain alarm":      {flag: newCheckout, cfg: guard.Config{FalseAlarm: 1}, want: []string{"FalseAlarm is 1: give a probability from 1e-9 to 0.5"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := guard.New(tt.flag, tt.cfg)
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			lines := strings.Split(err.Error(), "\n")
			require.Len(t, lines, len(tt.want), err)
			for i, want := range tt.want {
				require.Contains(t, lines[i], "guard: new: ")
				require.Contains(t, lines[i], want)
			}
		})
	}
}

// ended is a Sample of requests of the new arm that began and ended within a second.
func ended(second int64, requests, failures uint64) guard.Sample {
	return guard.Sample{
		Seconds: []guard.Second{{At: second, Counts: map[string]guard.Count{"errors": {New: guard.Arm{Requests: requests, Failures: failures}}}}},
		Ended:   guard.Ended{New: map[int]uint64{30: requests}},
	}
}

const noon = 1_800_000_000

func TestAStepHoldsUntilEnoughIsKnown(t *testing.T) {
	judge, err := guard.NewJudge(guard.Config{Least: 50})
	require.NoError(t, err)
	var diary []string
	say := func() { v := judge.Verdict(); diary = append(diary, v.State.String()+": "+v.Why) }
	say()
	judge.Add(ended(noon, 49, 0))
	say()
	judge.Add(ended(noon+1, 1, 0))
	say()
	judge.Step()
	say()
	judge.Add(ended(noon+2, 1950, 1))
	say()
	judge.Step()
	judge.Add(ended(noon+3, 9, 9))
	say()
	judge.Add(ended(noon+4, 100_000, 0)) // whatever comes then
	judge.Step()
	say()
	require.Equal(t, []string{
		"holding: 0 of 50 requests of the new arm have ended in this step",
		"holding: 49 of 50 requests of the new arm have ended in this step",
		"passing: errors of the new arm: 0 of 50, bound 1%, evidence 0.55 of 1,000",
		"holding: 0 of 50 requests of the new arm have ended in this step",
		"passing: errors of the new arm: 1 of 2,000, bound 1%, evidence 0.17 of 1,000",
		"tripped: errors of the new arm: 10 of 2,009, bound 1%, evidence 6.4e+14 of 1,000",
		"tripped: errors of the new arm: 10 of 2,009, bound 1%, evidence 6.4e+14 of 1,000",
	}, diary)
	m := metric(t, judge.Verdict(), "errors")
	require.True(t, m.Tripped)
	require.Less(t, m.Evidence, m.Threshold, "it has been over it once, and that is for good")
}

func TestLeastMayBeNone(t *testing.T) {
	judge, err := guard.NewJudge(guard.Config{Least: -1})
	require.NoError(t, err)
	require.Equal(t, guard.Passing, judge.Verdict().State)
}

// The probability of a false alarm is of all metrics together.
func TestTheThresholdGrowsWithTheMetrics(t *testing.T) {
	g, _, _ := started(t, guard.Config{MaxErrors: -1, Slow: 1, Metrics: map[string]float64{"b": 0.1, "a": 0.1}})
	var names []string
	for _, m := range g.Verdict().Metrics {
		names = append(names, m.Name)
		require.InDelta(t, 3000, m.Threshold, 1e-6)
	}
	require.Equal(t, []string{"errors", "slow", "a", "b"}, names)
}

// Three instances see two failures each, which is nothing to any of them.
func TestAFleetIsJudgedByItsSum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judge, err := guard.NewJudge(guard.Config{Slow: time.Second})
		require.NoError(t, err)
		var published []string
		for range 3 {
			g, onNew, onOld := started(t, guard.Config{Slow: time.Second})
			for range 2 {
				_, _ = guard.Do(onNew, g, gives("", errBroken), nil)
				_, _ = guard.Do(onOld, g, nil, gives("", nil))
				require.NotEqual(t, guard.Tripped, g.Verdict().State)
			}
			sample, err := json.Marshal(g.Take())
			require.NoError(t, err)
			published = append(published, string(sample))
			again, err := json.Marshal(g.Take())
			require.NoError(t, err)
			require.JSONEq(t, `{"slow": 1000000000, "seconds": [{"at": 946684800}]}`, string(again), "what was taken is not taken again")
		}
		require.JSONEq(t, `{
			"slow": 1000000000, "seconds": [{"at": 946684800, "counts": {
				"errors": {"new": {"requests": 2, "failures": 2}, "control": {"requests": 2}},
				"slow": {"new": {"requests": 2}, "control": {"requests": 2}}
			}}],
			"ended": {"new": {"0": 2}, "control": {"0": 2}}
		}`, published[0])
		for _, text := range published {
			var sample guard.Sample
			require.NoError(t, json.Unmarshal([]byte(text), &sample))
			judge.Add(sample)
		}
		v := judge.Verdict()
		require.Equal(t, guard.Tripped, v.State)
		require.Equal(t, "new 6/6, control 0/6", seen(t, v, "errors"))
		require.EqualValues(t, 6, v.New.Ended)
	})
}

// A Guard whose samples nobody takes does not grow, and loses nothing.
func TestASampleThatNobodyTakesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, onNew, _ := started(t, guard.Config{})
		for range 500 {
			_, _ = guard.Do(onNew, g, gives("", nil), nil)
			g.Verdict()
			time.Sleep(time.Second)
		}
		sample := g.Take()
		require.LessOrEqual(t, len(sample.Seconds), 64)
		sum := uint64(0)
		for _, s := range sample.Seconds {
			sum += s.Counts["errors"].New.Requests
		}
		require.EqualValues(t, 500, sum)
	})
}

func TestAJudgeIsNotShakenByWhatIsPublished(t *testing.T) {
	judge, err := guard.NewJudge(guard.Config{})
	require.NoError(t, err)
	judge.Add(guard.Sample{})
	judge.Add(guard.Sample{
		Seconds: []guard.Second{{At: -7}, {At: math.MaxInt64, Counts: map[string]guard.Count{"errors": {}, "of a newer program": {New: guard.Arm{Requests: 7}}}}},
		Ended:   guard.Ended{New: map[int]uint64{-1: 1, 1 << 40: 2}},
	})
	v := judge.Verdict()
	require.Len(t, v.Metrics, 1)
	require.EqualValues(t, 3, v.New.Ended)
}

// Whatever is added, a verdict that was tripped stays so, its numbers are numbers, and
// JSON can carry them.
func FuzzJudge(f *testing.F) {
	f.Add([]byte{1, 1, 1, 2, 2, 2, 3, 3, 3, 200, 200, 200}, false)
	f.Add([]byte{0, 255, 255, 0, 255, 0, 255, 0, 0}, true)
	f.Fuzz(func(t *testing.T, data []byte, control bool) {
		judge, err := guard.NewJudge(guard.Config{Control: control})
		require.NoError(t, err)
		second, tripped := int64(noon), false
		for ; len(data) >= 4; data = data[4:] {
			second += int64(int8(data[0]))
			judge.Add(guard.Sample{Seconds: []guard.Second{{At: second, Counts: map[string]guard.Count{"errors": {
				New:     guard.Arm{Requests: uint64(data[1]), Failures: uint64(data[2])},
				Control: guard.Arm{Requests: uint64(data[3]), Failures: uint64(data[2] / 2)},
			}}}}})
			v := judge.Verdict()
			if tripped && v.State != guard.Tripped {
				t.Fatal("it was tripped")
			}
			tripped = v.State == guard.Tripped
			if m := v.Metrics[0]; !(m.Evidence >= 0) {
				t.Fatalf("the evidence is %v", m.Evidence)
			}
			if _, err := json.Marshal(v); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestStateInAWord(t *testing.T) {
	require.Equal(t, "holding passing tripped State(7)",
		strings.Join([]string{guard.Holding.String(), guard.Passing.String(), guard.Tripped.String(), guard.State(7).String()}, " "))
}

func TestMetricInALine(t *testing.T) {
	m := guard.Metric{Name: "paid", New: guard.Arm{Requests: 1_234_567, Failures: 1000}, Control: guard.Arm{Requests: 999}, Bound: 0.0005, Evidence: 123_456.7, Threshold: 3e9}
	require.Equal(t, "paid of the new arm: 1,000 of 1,234,567, of the control arm: 0 of 999, bound 0.05%, evidence 123,456 of 3e+09", m.String())
	require.Equal(t, "errors of the new arm: 1 of 2", guard.Metric{Name: "errors", New: guard.Arm{Requests: 2, Failures: 1}}.String())
}
