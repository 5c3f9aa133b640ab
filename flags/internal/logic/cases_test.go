package logic_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/logic"
)

// TestJSONLogicCases runs the public cases of JSONLogic (jsonlogic.com/tests.json, and
// those that its implementations have agreed on since). They are in a Go module that
// the tests of module interop require, and are read from where that is.
func TestJSONLogicCases(t *testing.T) {
	data, err := os.ReadFile(jsonLogicCases(t))
	require.NoError(t, err)
	var cases []json.RawMessage
	require.NoError(t, json.Unmarshal(data, &cases))
	ran := 0
	for _, raw := range cases {
		var parts []json.RawMessage
		if json.Unmarshal(raw, &parts) != nil {
			continue // a comment
		}
		require.Len(t, parts, 3)
		rule, scope, want := parts[0], parts[1], parts[2]
		ran++
		t.Run(string(rule), func(t *testing.T) {
			got, err := json.Marshal(evaluated(t, rule, scope))
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got), "data %s", scope)
		})
	}
	require.Greater(t, ran, 300)
	t.Logf("%d cases", ran)
}

// evaluated is a rule's value. Data that is no object is an element that is mapped: a
// subject has attributes.
func evaluated(t *testing.T, rule, data json.RawMessage) any {
	var value any
	require.NoError(t, json.Unmarshal(data, &value))
	object, ok := value.(map[string]any)
	if ok || value == nil {
		run, _ := compiler().Compile(parse(t, string(rule)), "targeting")
		return run(&logic.Scope{Attributes: object}).Interface()
	}
	run, _ := compiler().Compile(parse(t, `{"map": [{"var": "data"}, `+string(rule)+`]}`), "targeting")
	mapped := run(&logic.Scope{Attributes: map[string]any{"data": []any{value}}})
	require.Len(t, mapped.Interface(), 1)
	return mapped.Interface().([]any)[0]
}

// jsonLogicCases is the file, from JSONLOGIC_CASES or the module cache.
func jsonLogicCases(t *testing.T) string {
	if path := os.Getenv("JSONLOGIC_CASES"); path != "" {
		return path
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/diegoholiveira/jsonlogic/v3")
	list.Dir = filepath.Join("..", "..", "..", "interop")
	list.Env = append(os.Environ(), "GOWORK=off")
	dir, err := list.Output()
	path := filepath.Join(strings.TrimSpace(string(dir)), "internal", "json_logic_pr_48_tests.json")
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		const how = "the cases of JSONLogic are not there (%v): run go mod download in interop, or set JSONLOGIC_CASES"
		if os.Getenv("CI") == "true" {
			t.Fatalf(how, err)
		}
		t.Skipf(how, err)
	}
	return path
}
