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
			again, _ := c.Compile(node, "flags.f.targeting")
			require.Equal(t, seen(first), seen(again(scope)))
		}
		require.Less(t, time.Since(began), 10*time.Second)
	})
}

// seen is all that there is to a value; a NaN in a list is not equal to itself.
func seen(v logic.Value) string {
	return fmt.Sprint(v.Interface(), v.Truthy(), v.Rule, v.Split, v.Skipped)
}
