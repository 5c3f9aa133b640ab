package rollout_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags/internal/definition"
	"github.com/handover-go/handover/flags/internal/tree"
	"github.com/handover-go/handover/flags/ramp/internal/rollout"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// flag is a definition with this targeting.
func flag(targeting string) json.RawMessage {
	return json.RawMessage(`{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":` + targeting + `}`)
}

func TestTheShareOfADefinition(t *testing.T) {
	for name, c := range map[string]struct {
		is, becomes string
		share       float64 // that it was
		set         float64
	}{
		"a fractional":        {`{"fractional":[["on",5],["off",95]]}`, `{"fractional":[["on",20],["off",80]]}`, 5, 20},
		"the other way round": {`{"fractional":[["off",95],["on",5]]}`, `{"fractional":[["off",80],["on",20]]}`, 5, 20},
		"of another sum":      {`{"fractional":[["on",1],["off",3]]}`, `{"fractional":[["on",20],["off",80]]}`, 25, 20},
		"without weights":     {`{"fractional":[["on"],["off"]]}`, `{"fractional":[["on",20],["off",80]]}`, 50, 20},
		"without any weight":  {`{"fractional":[["on",0],["off",0]]}`, `{"fractional":[["on",20],["off",80]]}`, 0, 20},
		"a finer share":       {`{"fractional":[["on",5],["off",95]]}`, `{"fractional":[["on",500],["off",99500]]}`, 5, 0.5},
		"a fine share":        {`{"fractional":[["on",70],["off",99930]]}`, `{"fractional":[["on",100],["off",0]]}`, 0.07, 100},
		"with a key": {
			`{"fractional":[{"var":"email"},["on",5],["off",95]]}`, `{"fractional":[{"var":"email"},["on",0],["off",100]]}`, 5, 0,
		},
		"within a rule": {
			`{"if":[{"==":[{"var":"country"},"at"]},{"fractional":[["on",5],["off",95]]},"off"]}`,
			`{"if":[{"==":[{"var":"country"},"at"]},{"fractional":[["on",20],["off",80]]},"off"]}`, 5, 20,
		},
		"no targeting":         {`null`, `{"fractional":[["on",20],["off",80]]}`, 0, 20},
		"an empty targeting":   {`{}`, `{"fractional":[["on",20],["off",80]]}`, 0, 20},
		"numbers keep theirs":  {`{"if":[{"==":[{"var":"n"},1e2]},{"fractional":[["on",5],["off",95]]}]}`, `{"if":[{"==":[{"var":"n"},1e2]},{"fractional":[["on",5],["off",95]]}]}`, 5, 5},
		"a step of a thousand": {`{"fractional":[["on",5],["off",95]]}`, `{"fractional":[["on",1],["off",99999]]}`, 5, 0.001},
	} {
		t.Run(name, func(t *testing.T) {
			share, err := rollout.Share(flag(c.is))
			require.NoError(t, err)
			require.Equal(t, c.share, share)
			is, err := rollout.WithShare(flag(c.is), c.set)
			require.NoError(t, err)
			require.Equal(t, string(flag(c.becomes)), string(is))
			share, err = rollout.Share(is)
			require.NoError(t, err)
			require.Equal(t, c.set, share)
			_, mistakes := definition.Compile(fmt.Appendf(nil, `{"flags":{"a":%s}}`, is), false)
			require.Empty(t, mistakes)
		})
	}
}

func TestADefinitionThatARampCannotMove(t *testing.T) {
	for name, c := range map[string]struct{ is, says string }{
		"no JSON":            {`{`, "1:2: the document ends before it is complete"},
		"no variants":        {`{}`, "it has no variants"},
		"other variants":     {`{"variants":{"on":"a"}}`, `its variant "on" is a string`},
		"one kind of them":   {`{"variants":{"on":true}}`, "its variants are not both true and false"},
		"on for everybody":   {`{"variants":{"on":true,"off":false},"defaultVariant":"on"}`, `make "off" its defaultVariant`},
		"no fractional":      {string(flag(`{"if":[true,"on","off"]}`)), "one fractional"},
		"two":                {string(flag(`{"if":[{"var":"a"},{"fractional":[["on",5],["off",95]]},{"fractional":[["on",5],["off",95]]}]}`)), "one fractional"},
		"three arms":         {string(flag(`{"fractional":[["on",5],["off",5],["off",95]]}`)), "one fractional"},
		"one arm":            {string(flag(`{"fractional":[["on",5]]}`)), "one fractional"},
		"two that are true":  {string(flag(`{"fractional":[["on",5],["on",95]]}`)), "one fractional"},
		"an unknown one":     {string(flag(`{"fractional":[["on",5],["of",95]]}`)), "one fractional"},
		"one that is a rule": {string(flag(`{"fractional":[[{"var":"a"},5],["off",95]]}`)), "one fractional"},
		"a computed weight":  {string(flag(`{"fractional":[["on",{"var":"a"}],["off",95]]}`)), "one fractional"},
		"no list":            {string(flag(`{"fractional":"on"}`)), "one fractional"},
		"somebody else's":    {string(flag(`{"if":[{"$ref":"a"},{"fractional":[["on",5],["off",95]]}]}`)), "one fractional"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rollout.Share(json.RawMessage(c.is))
			require.ErrorContains(t, err, c.says)
			_, err = rollout.WithShare(json.RawMessage(c.is), 5)
			require.ErrorContains(t, err, c.says)
		})
	}
	_, err := rollout.WithShare(flag("null"), 101)
	require.EqualError(t, err, "a share of 101 %: it goes from 0 to 100")
}

func parse(text, path string) (rollout.Plan, []tree.Mistake) {
	root, mistakes := tree.Parse([]byte(text))
	if root == nil {
		return rollout.Plan{}, mistakes
	}
	return rollout.PlanOf(root, path)
}

func TestAPlan(t *testing.T) {
	plan, mistakes := parse(`{"steps": [0.5, 20, 100], "bake": "1h30m", "start": "2027-03-01T09:00:00Z", "x-mine": 1}`, "x-ramp")
	require.Empty(t, mistakes)
	start := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	require.Equal(t, rollout.Plan{Steps: []float64{0.5, 20, 100}, Bake: 90 * time.Minute, Start: start}, plan)
	for at, share := range map[time.Duration]float64{-1: 0, 0: 0.5, 89 * time.Minute: 0.5, 90 * time.Minute: 20, 3 * time.Hour: 100, 200 * 365 * 24 * time.Hour: 100} {
		is, next := plan.At(start.Add(at))
		require.Equal(t, share, is)
		require.True(t, next.IsZero() || next.After(start.Add(at)))
		require.Equal(t, share == 100, next.IsZero())
	}
	plan, mistakes = parse(`{"steps": [5]}`, "x-ramp")
	require.Empty(t, mistakes)
	require.Equal(t, rollout.Plan{Steps: []float64{5}, Bake: 10 * time.Minute}, plan)
}

func TestAPlanWithMistakes(t *testing.T) {
	for name, c := range map[string]struct{ is, says string }{
		"no object":         {`[5]`, `1:1: flags.a.x-ramp: is an array; instead: an object: {"steps": [5, 20, 50, 100], "bake": "10m"}`},
		"no steps":          {`{}`, `1:1: flags.a.x-ramp: has no steps; instead: "steps": [5, 20, 50, 100]`},
		"none of them":      {`{"steps":[]}`, `1:10: flags.a.x-ramp.steps: has 0 steps; instead: 1 to 100 of them: [5, 20, 50, 100]`},
		"steps of words":    {`{"steps":["5"]}`, `1:10: flags.a.x-ramp.steps: is no list of percentages; instead: [5, 20, 50, 100]`},
		"a step of nothing": {`{"steps":[0, 5]}`, `1:10: flags.a.x-ramp.steps: has a step of 0 %; instead: more than 0, and 100 at the most`},
		"steps down":        {`{"steps":[20, 5]}`, `1:10: flags.a.x-ramp.steps: has 5 after 20; instead: steps that ascend`},
		"fine steps":        {`{"steps":[0.0005]}`, `1:10: flags.a.x-ramp.steps: has a step of 0.0005 %; instead: three decimals at the most`},
		"a bake of seconds": {`{"steps":[5],"bake":600}`, `1:21: flags.a.x-ramp.bake: is no time to bake; instead: "10m", "1h30m"; more than none, a year at the most`},
		"no bake":           {`{"steps":[5],"bake":"0s"}`, `1:21: flags.a.x-ramp.bake: is no time to bake; instead: "10m", "1h30m"; more than none, a year at the most`},
		"a start of a day":  {`{"steps":[5],"start":"2027-03-01"}`, `1:22: flags.a.x-ramp.start: is no time; instead: "2027-03-01T09:00:00Z"`},
		"a slip of the pen": {`{"step":[5]}`, "1:1: flags.a.x-ramp: has no steps; instead: \"steps\": [5, 20, 50, 100]\n1:9: flags.a.x-ramp.step: is unknown; instead: \"steps\""},
		"something unheard": {`{"steps":[5],"guard":1}`, `1:22: flags.a.x-ramp.guard: is unknown; instead: "steps", "bake" or "start"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, mistakes := parse(c.is, "flags.a.x-ramp")
			var lines []string
			for _, m := range mistakes {
				lines = append(lines, m.String())
			}
			require.Equal(t, c.says, strings.Join(lines, "\n"))
		})
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(`{"steps": [5, 20, 50, 100], "bake": "10m", "start": "2027-03-01T09:00:00Z"}`)
	f.Add(`{"steps": [0.001], "bake": "8760h"}`)
	f.Add(`{"steps": [1e-9, null]}`)
	f.Fuzz(func(t *testing.T, text string) {
		plan, mistakes := parse(text, "x-ramp")
		if len(mistakes) > 0 {
			for _, m := range mistakes {
				require.NotEmpty(t, m.Problem)
			}
			return
		}
		problem, _ := rollout.WrongSteps(plan.Steps)
		require.Empty(t, problem)
		require.Positive(t, plan.Bake)
		last := 0.0
		for i := range 10 {
			share, _ := plan.At(plan.Start.Add(time.Duration(i) * plan.Bake))
			require.GreaterOrEqual(t, share, last)
			last = share
		}
	})
}

func FuzzShare(f *testing.F) {
	f.Add(string(flag(`{"fractional":[["on",5],["off",95]]}`)), 20.0)
	f.Add(string(flag(`null`)), 0.5)
	f.Add(string(flag(`{"if":[{"var":"a"},{"fractional":[{"var":"b"},["off"],["on",1e3]]}]}`)), 99.999)
	f.Fuzz(func(t *testing.T, text string, share float64) {
		is, err := rollout.WithShare(json.RawMessage(text), share)
		if err != nil {
			return
		}
		now, err := rollout.Share(is)
		require.NoError(t, err)
		require.InDelta(t, share, now, 0.0006)
		again, err := rollout.WithShare(is, share)
		require.NoError(t, err)
		require.Equal(t, string(is), string(again))
		// The rest is as it was: taken back, it is what it was with that share.
		back, err := rollout.WithShare(is, 5)
		require.NoError(t, err)
		first, err := rollout.WithShare(json.RawMessage(text), 5)
		require.NoError(t, err)
		require.Equal(t, string(first), string(back))
	})
}
