package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
)

func TestTheBoundsOfADefinition(t *testing.T) {
	for name, test := range map[string]struct {
		xguard string
		want   guard.Config
	}{
		"all": {
			`{"maxErrors": 0.01, "slow": "300ms", "maxSlow": 0.05, "metrics": {"checkout-completed": 0.3}, "control": true, "falseAlarm": 0.001, "least": 100}`,
			guard.Config{MaxErrors: 0.01, Slow: 300 * time.Millisecond, MaxSlow: 0.05, Metrics: map[string]float64{"checkout-completed": 0.3}, Control: true, FalseAlarm: 0.001, Least: 100},
		},
		"none":                     {`{}`, guard.Config{}},
		"errors are no matter":     {`{"maxErrors": false, "slow": "1s"}`, guard.Config{MaxErrors: -1, Slow: time.Second}},
		"nothing is waited for":    {`{"least": 0}`, guard.Config{Least: -1}},
		"somebody else's member":   {`{"x-owner": ["us"]}`, guard.Config{}},
		"a metric with a dot":      {`{"metrics": {"checkout.completed": 0.3}}`, guard.Config{Metrics: map[string]float64{"checkout.completed": 0.3}}},
		"the smallest and largest": {`{"maxErrors": 1e-9, "falseAlarm": 0.5, "least": 1e9}`, guard.Config{MaxErrors: 1e-9, FalseAlarm: 0.5, Least: 1e9}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := guard.Parse([]byte(test.xguard))
			require.NoError(t, err)
			require.Equal(t, test.want, cfg)
			_, err = guard.NewJudge(cfg)
			require.NoError(t, err)
		})
	}
}

func TestBoundsWithMistakes(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat(`"a":0.1,`, 17), ",")
	for i := range 17 {
		many = strings.Replace(many, `"a"`, `"`+strings.Repeat("b", i+1)+`"`, 1)
	}
	for name, test := range map[string]struct{ xguard, says string }{
		"no JSON":              {`{`, `1:2: x-guard: the document ends before it is complete`},
		"no object":            {`[0.01]`, `1:1: x-guard: is an array; instead: an object: {"maxErrors": 0.01, "slow": "300ms"}`},
		"null":                 {`null`, `1:1: x-guard: is null; instead: an object: {"maxErrors": 0.01, "slow": "300ms"}`},
		"a name that is twice": {`{"least": 1, "least": 2}`, `1:14: x-guard.least: "least" is there twice`},
		"a slip of the pen":    {`{"maxerrors": 0.01}`, `1:15: x-guard.maxerrors: is unknown; instead: "maxErrors"`},
		"something unheard of": {`{"window": "1m"}`, `1:12: x-guard.window: is unknown; instead: one of "control", "falseAlarm", "least", "maxErrors", "maxSlow", "metrics", "slow"`},
		"percent":              {`{"maxErrors": 1}`, `1:15: x-guard.maxErrors: is no share; instead: 0.01 for 1 %; from 1e-9 to 0.999`},
		"true":                 {`{"maxErrors": true}`, `1:15: x-guard.maxErrors: is no share`},
		"a word":               {`{"maxErrors": "1%"}`, `1:15: x-guard.maxErrors: is no share`},
		"slow without a unit":  {`{"slow": 300}`, `1:10: x-guard.slow: is no time; instead: "300ms", "1.5s"; more than none`},
		"slow at once":         {`{"slow": "0s"}`, `1:10: x-guard.slow: is no time`},
		"slow of nothing":      {`{"maxSlow": 0.05}`, `1:13: x-guard.maxSlow: is of no account, as nothing is slow; instead: "slow": "300ms" beside it`},
		"metrics in a list":    {`{"metrics": ["a"]}`, `1:13: x-guard.metrics: is no object of at most 16 metrics; instead: {"checkout-completed": 0.3}`},
		"too many of them":     {`{"metrics": {` + many + `}}`, `1:13: x-guard.metrics: is no object of at most 16 metrics`},
		"a metric of nothing":  {`{"metrics": {"paid": 0}}`, `1:22: x-guard.metrics.paid: is no share`},
		"a name that is taken": {`{"metrics": {"slow": 0.1}}`, `1:22: x-guard.metrics.slow: has a name that is taken; instead: one of its own`},
		"control by a word":    {`{"control": "yes"}`, `1:13: x-guard.control: is a string; instead: true or false`},
		"a certain alarm":      {`{"falseAlarm": 1}`, `1:16: x-guard.falseAlarm: is no probability of a false alarm; instead: 0.001; from 1e-9 to 0.5`},
		"half a request":       {`{"least": 0.5}`, `1:11: x-guard.least: is no number of requests; instead: 100; whole, 0 for none`},
		"fewer than none":      {`{"least": -1}`, `1:11: x-guard.least: is no number of requests`},
		"more than there are":  {`{"least": 1e300}`, `1:11: x-guard.least: is no number of requests`},
		"nothing to test":      {`{"maxErrors": false}`, `1:1: x-guard: tests nothing; instead: "maxErrors", "slow" or "metrics"`},
		"all at once":          {`{"slow": 1, "least": "a"}`, "2 mistakes:\n\t1:10: x-guard.slow: is no time; instead: \"300ms\", \"1.5s\"; more than none\n\t1:22: x-guard.least: is no number"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := guard.Parse([]byte(test.xguard))
			var mistakes *flags.DocumentError
			require.ErrorAs(t, err, &mistakes)
			require.True(t, strings.HasPrefix(err.Error(), test.says), err)
			require.Equal(t, guard.Config{}, cfg)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"maxErrors": 0.01, "slow": "300ms", "maxSlow": 0.05, "metrics": {"checkout-completed": 0.3}, "control": true, "falseAlarm": 0.001, "least": 100}`)
	f.Add(`{"maxErrors": false, "metrics": {"a": 1e-9}}`)
	f.Add(`{"slow": "1ns", "least": -0}`)
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := guard.Parse([]byte(text))
		if err != nil {
			var mistakes *flags.DocumentError
			require.True(t, errors.As(err, &mistakes) && len(mistakes.Mistakes) > 0)
			for _, m := range mistakes.Mistakes {
				require.NotEmpty(t, m.Problem)
				require.True(t, strings.HasPrefix(m.Path, "x-guard"), m.Path)
			}
			return
		}
		// What is let in is what NewJudge takes, and a change of it to itself is none.
		judge, err := guard.NewJudge(cfg)
		require.NoError(t, err)
		judge.Add(ended(noon, 50, 0))
		require.NoError(t, judge.Bounds([]byte(text)))
		require.EqualValues(t, 50, judge.Verdict().Step)
	})
}

// Evidence is for one question. It is not taken along to another.
func TestOtherBoundsBeginAnew(t *testing.T) {
	own := guard.Config{MaxErrors: 0.01, Least: 50}
	tests := map[string]struct {
		bounds []string // "" are its own
		want   string
	}{
		"its own":            {[]string{""}, "passing: errors of the new arm: 1 of 60"},
		"the same":           {[]string{`{"maxErrors": 1e-2, "least": 50}`}, "passing: errors of the new arm: 1 of 60"},
		"another bound":      {[]string{`{"maxErrors": 0.02, "least": 50}`}, "holding: 0 of 50"},
		"what is default":    {[]string{`{}`}, "holding: 0 of 100"},
		"one more metric":    {[]string{`{"least": 50, "metrics": {"paid": 0.1}}`}, "holding: 0 of 50"},
		"and back":           {[]string{`{"maxErrors": 0.02}`, ""}, "holding: 0 of 50"},
		"what is no bound":   {[]string{`{"maxErrors": 2}`}, "passing: errors of the new arm: 1 of 60"},
		"wrong, after other": {[]string{`{"least": 70}`, `{"least": "a"}`}, "holding: 0 of 70"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			judge, err := guard.NewJudge(own)
			require.NoError(t, err)
			judge.Add(ended(noon, 60, 1))
			for _, xguard := range tt.bounds {
				if xguard == "" {
					require.NoError(t, judge.Bounds(nil))
					continue
				}
				_, wrong := guard.Parse([]byte(xguard))
				require.Equal(t, wrong, judge.Bounds([]byte(xguard)))
			}
			v := judge.Verdict()
			require.Contains(t, v.State.String()+": "+v.Why, tt.want)
			require.NotZero(t, v.New.Ended, "how long requests took is no evidence")
		})
	}
}

func TestWhatHasTrippedStaysSo(t *testing.T) {
	judge, err := guard.NewJudge(guard.Config{})
	require.NoError(t, err)
	judge.Add(ended(noon, 9, 9))
	before := judge.Verdict()
	require.Equal(t, guard.Tripped, before.State)
	require.NoError(t, judge.Bounds([]byte(`{"maxErrors": 0.9, "metrics": {"paid": 0.1}}`)))
	require.Equal(t, before, judge.Verdict())

	synctest.Test(t, func(t *testing.T) {
		g, onNew, _ := started(t, guard.Config{})
		for range 5 {
			_, _ = guard.Do(onNew, g, fails, works)
		}
		require.NoError(t, g.Bounds([]byte(`{"maxErrors": 0.9}`)), "what has been counted by then, counts")
		require.Equal(t, guard.Tripped, g.Verdict().State)
	})
}

// A request that has begun before ends by what held then.
func TestAGuardWithOtherBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := guard.Config{Slow: time.Second, Metrics: map[string]float64{"paid": 0.1}, Least: 1}
		g, onNew, _ := started(t, cfg)
		takes := func(d time.Duration) {
			_, _ = guard.Do(onNew, g, func(context.Context) (int, error) { time.Sleep(d); return 0, nil }, works)
		}
		takes(2 * time.Second)
		g.Record(onNew, "paid", false)
		require.EqualValues(t, 1, metric(t, g.Verdict(), "slow").New.Failures)

		const xguard = `{"slow": "3s", "maxSlow": 0.2, "metrics": {"shipped": 0.1}, "least": 1}`
		_, _ = guard.Do(onNew, g, func(context.Context) (int, error) {
			time.Sleep(2 * time.Second)
			return 0, g.Bounds([]byte(xguard))
		}, works)
		v := g.Verdict()
		require.Equal(t, guard.Holding, v.State)
		require.Zero(t, metric(t, v, "slow").New)
		takes(2 * time.Second)
		takes(4 * time.Second)
		g.Record(onNew, "paid", false)
		g.Record(onNew, "shipped", false)
		v = g.Verdict()
		require.Equal(t, guard.Arm{Requests: 2, Failures: 1}, metric(t, v, "slow").New)
		require.Equal(t, guard.Arm{Requests: 1, Failures: 1}, metric(t, v, "shipped").New)
		require.Len(t, v.Metrics, 3, "what x-guard does not name is not tested")

		// For a fleet, what was slow by the old bound is gone, and the new one is known.
		s := g.Take()
		require.Equal(t, 3*time.Second, s.Slow)
		judge, err := guard.NewJudge(cfg)
		require.NoError(t, err)
		judge.Add(s)
		require.Zero(t, metric(t, judge.Verdict(), "slow").New, "of another question")
		require.NotZero(t, metric(t, judge.Verdict(), "errors").New)
		require.NoError(t, judge.Bounds([]byte(xguard)))
		judge.Add(s)
		require.EqualValues(t, 1, metric(t, judge.Verdict(), "slow").New.Failures)
	})
}

// For the race detector.
func TestBoundsChangeWhileRequestsRun(t *testing.T) {
	g, onNew, onOld := started(t, guard.Config{Slow: time.Nanosecond, Metrics: map[string]float64{"paid": 0.1}})
	var all sync.WaitGroup
	for _, ctx := range []context.Context{onNew, onOld, onNew} {
		all.Go(func() {
			for range 2000 {
				_, _ = guard.Do(ctx, g, works, works)
				g.Record(ctx, "paid", true)
			}
		})
	}
	all.Go(func() {
		for i := range 500 {
			_ = g.Bounds([]byte([]string{`{"slow": "1h"}`, `{}`, `{"metrics": {"a": 0.1, "paid": 0.1}, "slow": "1h"}`, `{"least": "wrong"}`}[i%4]))
			g.Verdict()
			g.Take()
		}
	})
	all.Wait()
}

func TestAStateIsAWordInJSON(t *testing.T) {
	text, err := json.Marshal(guard.Verdict{State: guard.Passing})
	require.NoError(t, err)
	require.Contains(t, string(text), `"State":"passing"`)
	for _, state := range []guard.State{guard.Holding, guard.Passing, guard.Tripped} {
		text, err := json.Marshal(state)
		require.NoError(t, err)
		require.Equal(t, `"`+state.String()+`"`, string(text))
		var back guard.State
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, state, back)
	}
	var s guard.State
	require.EqualError(t, s.UnmarshalText([]byte("State(7)")), `guard: state "State(7)": there are "holding", "passing" and "tripped"`)
}

func works(context.Context) (int, error) { return 0, nil }

func fails(context.Context) (int, error) { return 0, errors.New("no such table") }
