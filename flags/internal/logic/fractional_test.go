package logic_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/bucket"
	"github.com/handover-go/handover/flags/internal/logic"
)

// TestWhatARolloutGoesBy: the result says which salt and key must have been placed.
func TestWhatARolloutGoesBy(t *testing.T) {
	const arms = `["a", 37], ["b", 21], ["c", 42]]}`
	full := &logic.Scope{Key: "user-1", Attributes: map[string]any{"id": "x-9", "n": 42, "empty": "", "yes": true, "map": map[string]any{"id": 1}}}
	type by struct{ salt, key string }
	skipped := by{"skipped", ""}
	tests := map[string]struct {
		rule      string
		flagd, v1 by
	}{
		"the key":                    {`{"fractional": [`, by{"checkout", "user-1"}, by{"seed", "user-1"}},
		"an attribute":               {`{"fractional": [{"var": "id"}, `, by{"", "x-9"}, by{"seed", "x-9"}},
		"one that is not there":      {`{"fractional": [{"var": "zzz"}, `, by{"checkout", "user-1"}, by{"seed", "user-1"}},
		"one that is empty":          {`{"fractional": [{"var": "empty"}, `, by{"checkout", "user-1"}, by{"seed", "user-1"}},
		"a number is no key":         {`{"fractional": [{"var": "n"}, `, skipped, skipped},
		"a boolean is no key":        {`{"fractional": [{"var": "yes"}, `, skipped, skipped},
		"a number made a text":       {`{"fractional": [{"cat": [{"var": "n"}]}, `, by{"", "42"}, by{"seed", "42"}},
		"flag and attribute":         {`{"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "id"}]}, `, by{"", "checkoutx-9"}, by{"seed", "checkoutx-9"}},
		"flag and number":            {`{"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "n"}]}, `, by{"", "checkout42"}, by{"seed", "checkout42"}},
		"seed and attribute":         {`{"fractional": [{"cat": ["shared", {"var": "id"}]}, `, by{"", "sharedx-9"}, by{"seed", "sharedx-9"}},
		"an object is no key":        {`{"fractional": [{"var": "map"}, `, skipped, skipped},
		"a seed and an object":       {`{"fractional": [{"cat": ["shared", {"var": "map"}]}, `, skipped, skipped},
		"an attribute and an object": {`{"fractional": [{"cat": [{"var": "id"}, "-", {"var": "map"}]}, `, skipped, skipped},
		"two attributes":             {`{"fractional": [{"cat": [{"var": "id"}, "-", {"var": "zzz"}]}, `, by{"", "x-9-"}, by{"seed", "x-9-"}},
		"flag and nothing is no key": {`{"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "zzz"}]}, `, by{"checkout", "user-1"}, by{"seed", "user-1"}},
		"and neither are three":      {`{"fractional": [{"cat": ["a", {"var": "zzz"}, "b"]}, `, by{"checkout", "user-1"}, by{"seed", "user-1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for algorithm, want := range map[bucket.Algorithm]by{bucket.FlagdV2: test.flagd, bucket.MD5: test.flagd, bucket.V1: test.v1} {
				c := &logic.Compiler{Flag: "checkout", Seed: "seed", Bucketing: algorithm}
				rule, mistakes := c.Compile(parse(t, test.rule+arms), "targeting")
				require.Empty(t, mistakes)
				got := rule(full)
				if want == skipped {
					require.True(t, got.IsNull() && got.Skipped)
					continue
				}
				require.Equal(t, armAt(algorithm.Place(want.salt, want.key, 100)), got.Text(), algorithm)
				require.True(t, got.Split && !got.Skipped)
			}
		})
	}
}

func armAt(place uint32) string {
	switch {
	case place < 37:
		return "a"
	case place < 58:
		return "b"
	}
	return "c"
}

func TestV1WithoutASeedGoesByTheFlag(t *testing.T) {
	rule, _ := (&logic.Compiler{Flag: "checkout", Bucketing: bucket.V1}).Compile(parse(t, `{"fractional": [["a", 37], ["b", 21], ["c", 42]]}`), "targeting")
	for i := range 100 {
		key := fmt.Sprint("user-", i)
		require.Equal(t, armAt(bucket.V1.Place("checkout", key, 100)), rule(&logic.Scope{Key: key}).Text())
	}
}

// TestARolloutWithoutAKey never opens a flag, and never does so in silence.
func TestARolloutWithoutAKey(t *testing.T) {
	const rollout = `{"fractional": [["on", 1]]}`
	tests := map[string]struct{ rule, want string }{
		"null":                           {rollout, ""},
		"carried out of a branch":        {`{"if": [true, ` + rollout + `]}`, ""},
		"what answers in its place":      {`{"if": [` + rollout + `, "a", "b"]}`, "b"},
		"what is asked after it":         {`{"if": [` + rollout + `, "a", true, "b"]}`, "b"},
		"or":                             {`{"or": [` + rollout + `, "b"]}`, "b"},
		"and":                            {`{"and": [true, ` + rollout + `, "b"]}`, ""},
		"not":                            {`{"!": ` + rollout + `}`, "true"},
		"a comparison":                   {`{"==": [` + rollout + `, "on"]}`, "false"},
		"with a text":                    {`{"starts_with": [` + rollout + `, "on"]}`, ""},
		"with computed weights":          {`{"fractional": [["on", {"+": [1, 1]}]]}`, ""},
		"an attribute that is not there": {`{"fractional": [{"cat": ["x", {"var": "account"}]}, ["on", 1]]}`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rule := compiled(t, test.rule)
			v := rule(&logic.Scope{})
			require.Equal(t, test.want, v.Text())
			require.True(t, v.Skipped)
			require.False(t, v.Split)
			require.False(t, rule(&logic.Scope{Key: "user-1"}).Skipped)
		})
	}
}

func TestWeights(t *testing.T) {
	tests := map[string]struct {
		rule string
		want any
	}{
		"all of it":                          {`{"fractional": [["a", 0], ["b", 5]]}`, "b"},
		"none of it":                         {`{"fractional": [["a", 0], ["b", 0]]}`, nil},
		"a negative one is 0":                {`{"fractional": [["a", -50], ["b", 100]]}`, "b"},
		"a negative one that is computed":    {`{"fractional": [["a", {"-": [1, 51]}], ["b", 100]]}`, "b"},
		"none is 1":                          {`{"fractional": [["a"], ["b", 0]]}`, "a"},
		"a computed null is 1, as in flagd":  {`{"fractional": [["a", {"var": "zzz"}], ["b", 0]]}`, "a"},
		"a sum that failed is not":           {`{"fractional": [["a", {"+": [{"var": "zzz"}, 1]}], ["b", 5]]}`, nil},
		"a computed one that is not whole":   {`{"fractional": [["a", {"/": [1, 2]}], ["b", 5]]}`, nil},
		"a computed text is none":            {`{"fractional": [["a", {"cat": ["5"]}], ["b", 5]]}`, nil},
		"computed ones that are too much":    {`{"fractional": [["a", {"+": [2147483647]}], ["b", 5]]}`, nil},
		"a boolean variant":                  {`{"fractional": [[true, 1]]}`, true},
		"a number":                           {`{"fractional": [[3, 1]]}`, 3.0},
		"null":                               {`{"fractional": [[null, 1]]}`, nil},
		"a computed list is no variant":      {`{"fractional": [[{"merge": ["a"]}, 1]]}`, nil},
		"a rollout in a rollout":             {`{"fractional": [[{"fractional": [["x", 1]]}, 1]]}`, "x"},
		"from the time, as in a rollout":     {`{"fractional": [["a", {"-": [{"var": "$flagd.timestamp"}, 1000]}], ["b", 0]]}`, "a"},
		"more arms than the stack has place": {`{"fractional": [["a", {"+": [0]}], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"]]}`, "a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, compiled(t, test.rule)(&logic.Scope{Key: "user-1", Now: 1010}).Interface())
		})
	}
}
