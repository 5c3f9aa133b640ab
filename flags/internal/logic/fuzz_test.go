package logic_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/bucket"
	"github.com/handover-go/handover/flags/internal/logic"
	"github.com/handover-go/handover/flags/internal/tree"
)

// FuzzRule: whatever the rule and the data, there is an answer, soon, and the same twice.
func FuzzRule(f *testing.F) {
	for _, rule := range common {
		f.Add(rule, `{"country": "CH", "plan": "pro", "roles": ["admin"], "l": [1, "2", null, {"a": []}]}`, "user")
	}
	f.Add(`{"reduce": [{"var": "l"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "x"]}`, `{"l": [1, 2, 3]}`, "")
	f.Add(`{"map": [{"var": "l"}, {"filter": [{"var": "l"}, {"substr": [{"var": ""}, -1, {"max": {"var": "l"}}]}]}]}`, `{"l": [1, 2, 3]}`, "")
	f.Add(`{"fractional": [{"cat": [{"var": "l"}]}, [{"missing": "a"}, {"missing_some": [1, ["a"]]}], {"merge": [1]}]}`, `{"l": 1}`, "k")
	f.Add(`{"sem_ver": [{"var": "v"}, {"$ref": "e"}, {"-": [1, {"/": 2}]}]}`, `{"v": "1.0"}`, "k")
	f.Fuzz(func(t *testing.T, rule, data, key string) {
		node, _ := tree.Parse([]byte(rule))
		evaluator, _ := tree.Parse([]byte(data))
		var all map[string]any
		if len(data) > 1<<16 || json.Unmarshal([]byte(data), &all) != nil {
			all = nil
		}
		began := time.Now()
		for algorithm := bucket.FlagdV2; algorithm <= bucket.MD5; algorithm++ {
			c := &logic.Compiler{Flag: "f", Bucketing: algorithm, Evaluators: map[string]*tree.Node{"e": evaluator}}
			run, mistakes := c.Compile(node, "flags.f.targeting")
			for _, m := range mistakes {
				require.NotEmpty(t, m.Problem)
				require.NotEmpty(t, m.Instead)
				require.NotEmpty(t, m.Path)
			}
			scope := &logic.Scope{Key: key, Attributes: all}
			first, second := run(scope), run(scope)
			require.Equal(t, seen(first), seen(second))
			require.LessOrEqual(t, len(first.Text()), 1<<20+1<<16)
			if _, err := json.Marshal(first.Interface()); err != nil {
				require.ErrorContains(t, err, "unsupported value", "an infinity in a list")
			}
			requireChosen(t, c, scope, first)
			again, _ := c.Compile(node, "flags.f.targeting")
			require.Equal(t, seen(first), seen(again(scope)))
		}
		require.Less(t, time.Since(began), 10*time.Second)
	})
}

// requireChosen requires that a rule which only chooses chooses what it gives.
func requireChosen(t *testing.T, c *logic.Compiler, scope *logic.Scope, given logic.Value) {
	t.Helper()
	choose := c.Chooser(func(logic.Value) int { return 7 })
	if choose == nil {
		return
	}
	choice, skipped := choose(scope)
	if choice == nil {
		require.Equal(t, "true false", fmt.Sprint(given.IsNull(), given.Skipped != skipped))
		return
	}
	chosen := choice.Value
	chosen.Skipped = skipped
	require.Equal(t, seen(given), seen(chosen))
	require.Equal(t, 7, choice.Index)
}

// Most rules choose. Those that do not are told apart.
func TestWhatOnlyChooses(t *testing.T) {
	tests := map[string]bool{
		`"on"`: true,
		`{"if": [{"==": [{"var": "country"}, "CH"]}, "on", {"if": [{"var": "x"}, "off"]}]}`: true,
		`{"if": [{"var": "x"}, {"fractional": [["on", 1], [null, 1]]}, null]}`:              true,
		`{"fractional": [{"var": "country"}, ["on", 0], ["off", 1]]}`:                       true,
		`{"var": "country"}`: false,
		`{"if": [{"var": "x"}, "on", {"var": "country"}]}`:      false,
		`{"fractional": [[{"var": "country"}, 1], ["off", 1]]}`: false,
		`{"fractional": [["on", {"var": "x"}], ["off", 1]]}`:    false,
		`["on"]`:                    false,
		`{"==": [1, {"var": "x"}]}`: false,
	}
	for rule, chooses := range tests {
		for _, data := range []string{`{}`, `{"country": "CH", "x": 1}`} {
			for _, key := range []string{"", "user-1", "user-2"} {
				c := compiler()
				run, mistakes := c.Compile(parse(t, rule), "flags.checkout.targeting")
				require.Empty(t, mistakes, rule)
				require.Equal(t, chooses, c.Chooser(func(logic.Value) int { return 0 }) != nil, rule)
				scope := &logic.Scope{Key: key, Attributes: attributes(t, data)}
				requireChosen(t, c, scope, run(scope))
			}
		}
	}
}

// seen is all that there is to a value; a NaN in a list is not equal to itself.
func seen(v logic.Value) string {
	return fmt.Sprint(v.Interface(), v.Truthy(), v.Rule, v.Split, v.Skipped)
}
