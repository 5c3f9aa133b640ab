package logic_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/logic"
)

// TestWhatWouldTakeForEver ends, and is null.
func TestWhatWouldTakeForEver(t *testing.T) {
	numbers := make([]any, 1000)
	for i := range numbers {
		numbers[i] = i
	}
	itself := []any{"x"}
	itself = append(itself, nil, nil, nil)
	itself[1], itself[2], itself[3] = itself, itself, itself
	scope := &logic.Scope{Key: "k", Attributes: map[string]any{
		"l": numbers, "itself": itself, "long": strings.Repeat("x", 2<<20),
	}}
	nested := strings.Repeat(`{"map": [{"merge": [[1,2,3,4,5,6,7,8,9,10]]}, `, 20) + "1" + strings.Repeat("]}", 20)
	for name, rule := range map[string]string{
		"loops in loops":                     nested,
		"a long list in a loop":              `{"some": [{"var": "l"}, {"some": [[` + strings.Repeat("1,", 999) + `1], {"==": [{"var": ""}, 2]}]}]}`,
		"a text that doubles":                `{"reduce": [{"var": "l"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "x"]}`,
		"a list that doubles":                `{"reduce": [{"var": "l"}, {"merge": [{"var": "accumulator"}, {"var": "accumulator"}]}, [1]]}`,
		"a list of lists that doubles":       `{"cat": {"reduce": [{"var": "l"}, [{"var": "accumulator"}, {"var": "accumulator"}], "x"]}}`,
		"what answers when nothing is left":  `{"or": [{"in": ["x", ` + nested + `]}, "on"]}`,
		"a text of two megabytes, in a text": `{"cat": [{"var": "long"}, "x"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			v := compiled(t, rule)(scope)
			if name == "a list of lists that doubles" {
				require.Less(t, len(v.Text()), 1<<20+100)
				return
			}
			require.True(t, v.IsNull(), "%.100s", v.Text())
		})
	}
	require.LessOrEqual(t, len(compiled(t, `{"cat": [{"var": "itself"}]}`)(scope).Text()), 1<<20)
	require.False(t, compiled(t, `{"==": [{"var": "itself"}, {"var": "itself"}]}`)(scope).Truthy())
	require.False(t, compiled(t, `{"in": [{"var": "itself"}, {"var": "itself"}]}`)(scope).Truthy())
	require.LessOrEqual(t, len(compiled(t, `{"var": "itself"}`)(scope).Text()), 1<<20+1)
}

// TestALongListInALoop is looked up, not walked through.
func TestALongListInALoop(t *testing.T) {
	names := strings.Repeat(`"x", `, 5000) + `"admin"`
	groups := append(make([]any, 0, 1001), "admin")
	for range 1000 {
		groups = append(groups, "admin")
	}
	rule := compiled(t, `{"all": [{"var": "groups"}, {"in": [{"var": ""}, [`+names+`]]}]}`)
	require.True(t, rule(&logic.Scope{Attributes: map[string]any{"groups": groups}}).Truthy())
}

// TestTheBudgetIsOfOneEvaluation: what one has spent another has not.
func TestTheBudgetIsOfOneEvaluation(t *testing.T) {
	rule := compiled(t, `{"some": [{"var": "l"}, {"==": [{"var": ""}, "z"]}]}`)
	list := append(make([]any, 20_000), "z")
	for range 20 {
		require.True(t, rule(&logic.Scope{Attributes: map[string]any{"l": list}}).Truthy())
	}
}
