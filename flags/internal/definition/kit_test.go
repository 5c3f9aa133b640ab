package definition_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/definition"
	"github.com/handover-go/handover/flags/internal/logic"
)

// TestFlagdEvaluatorKit runs the cases that flagd's own evaluators have to pass, but
// for those of its former hash, which no reader of today has, and of the coming one.
func TestFlagdEvaluatorKit(t *testing.T) {
	kit := os.Getenv("FLAGD_TESTBED")
	if kit == "" {
		kit = filepath.Join("..", "..", "..", "..", "shared", "conformance", "flagd-testbed")
	}
	document, err := os.ReadFile(filepath.Join(kit, "evaluator", "flags", "testkit-flags.json"))
	if os.IsNotExist(err) && os.Getenv("FLAGD_TESTBED") == "" {
		t.Skip("no kit: git clone --branch v3.9.0 https://github.com/open-feature/flagd-testbed, and set FLAGD_TESTBED to where it is")
	}
	require.NoError(t, err)
	set, mistakes := definition.Compile(document, true) // it has mistakes on purpose
	require.NotNil(t, set, lines(mistakes))

	features, err := filepath.Glob(filepath.Join(kit, "evaluator", "gherkin", "*.feature"))
	require.NoError(t, err)
	ran, left := 0, 0
	for _, feature := range features {
		text, err := os.ReadFile(feature)
		require.NoError(t, err)
		for _, s := range readFeature(t, string(text)) {
			if slices.Contains(s.tags, "@fractional-v1") || slices.Contains(s.tags, "@fractional-v3") {
				left++
				continue
			}
			ran++
			t.Run(filepath.Base(feature)+"/"+s.name, func(t *testing.T) {
				world := &kitWorld{set: set, scope: logic.Scope{Attributes: map[string]any{}}}
				for _, step := range s.steps {
					world.do(t, step)
				}
			})
		}
	}
	t.Logf("%d of the kit's cases ran; %d of another hash were left out", ran, left)
	require.GreaterOrEqual(t, ran, 100, "most of it was not read")
}

// kitWorld is what a client is to the kit: typed evaluations of a set.
type kitWorld struct {
	set      *definition.Set
	scope    logic.Scope
	kind     string
	flag     *definition.Flag
	fallback any
	value    any
	outcome  definition.Outcome
}

type kitStep struct {
	pattern string
	do      func(t *testing.T, w *kitWorld, args []string, table [][]string)
}

func kitSteps() []kitStep {
	return []kitStep{
		{`an evaluator`, func(*testing.T, *kitWorld, []string, [][]string) {}},
		{`a (\w+)-flag with key "(.*)" and a fallback value "(.*)"`, func(t *testing.T, w *kitWorld, args []string, _ [][]string) {
			w.kind, w.flag, w.fallback = args[0], w.set.Flags[args[1]], typed(t, args[0], args[2])
		}},
		{`a context containing a key "(.*)", with type "(.*)" and with value "(.*)"`, func(t *testing.T, w *kitWorld, args []string, _ [][]string) {
			w.scope.Attributes[args[0]] = typed(t, args[1], args[2])
		}},
		{`a context containing a nested property with outer key "(.*)" and inner key "(.*)", with value "(.*)"`, func(_ *testing.T, w *kitWorld, args []string, _ [][]string) {
			w.scope.Attributes[args[0]] = map[string]any{args[1]: args[2]}
		}},
		{`a context containing a targeting key with value "(.*)"`, func(_ *testing.T, w *kitWorld, args []string, _ [][]string) {
			w.scope.Key = args[0]
		}},
		{`the flag was evaluated with details`, func(t *testing.T, w *kitWorld, _ []string, _ [][]string) { w.evaluate(t) }},
		{`the resolved details value should be "(.*)"`, func(t *testing.T, w *kitWorld, args []string, _ [][]string) {
			require.Equal(t, typed(t, w.kind, args[0]), w.value)
		}},
		{`the reason should be "(.*)"`, func(t *testing.T, w *kitWorld, args []string, _ [][]string) {
			require.Equal(t, args[0], w.outcome.Reason.String())
		}},
		{`the error-code should be "(.*)"`, func(t *testing.T, w *kitWorld, args []string, _ [][]string) {
			require.Equal(t, "ERROR", w.outcome.Reason.String())
			require.Equal(t, args[0], w.outcome.Code.String())
		}},
		{`the resolved metadata is empty`, func(t *testing.T, w *kitWorld, _ []string, _ [][]string) {
			require.Empty(t, w.flag.Metadata)
		}},
		{`the resolved metadata should contain`, func(t *testing.T, w *kitWorld, _ []string, table [][]string) {
			for _, row := range table[1:] {
				want := typed(t, row[1], row[2])
				if whole, ok := want.(int64); ok {
					want = float64(whole) // JSON has one kind of number
				}
				require.Equal(t, want, w.flag.Metadata[row[0]])
			}
		}},
	}
}

func (w *kitWorld) do(t *testing.T, s step) {
	t.Helper()
	for _, one := range kitSteps() {
		if args := regexp.MustCompile("^" + one.pattern + "$").FindStringSubmatch(s.text); args != nil {
			one.do(t, w, args[1:], s.table)
			return
		}
	}
	t.Fatalf("a step that nobody knows: %s", s.text)
}

// evaluate adds the types to what package definition does.
func (w *kitWorld) evaluate(t *testing.T) {
	kinds := map[string]definition.Kind{
		"Boolean": definition.Bool, "String": definition.String, "Integer": definition.Number, "Float": definition.Number, "Object": definition.Object,
	}
	w.outcome, w.value = w.flag.Evaluate(&w.scope), w.fallback
	switch {
	case w.flag == nil:
	case w.flag.Kind != kinds[w.kind] || w.kind == "Integer" && !w.flag.Whole():
		w.outcome = definition.Instead(definition.Error, definition.TypeMismatch, "")
	case w.outcome.Variant >= 0:
		text := string(w.flag.Variants[w.outcome.Variant].JSON)
		if w.kind == "String" {
			require.NoError(t, json.Unmarshal([]byte(text), &text))
		}
		w.value = typed(t, w.kind, text)
	}
}

// typed is a value of the kit's tables.
func typed(t *testing.T, kind, text string) any {
	t.Helper()
	var value any
	var err error
	switch kind {
	case "Boolean":
		value, err = strconv.ParseBool(text)
	case "Integer":
		value, err = strconv.ParseInt(text, 10, 64)
	case "Float":
		value, err = strconv.ParseFloat(text, 64)
	case "Object":
		err = json.Unmarshal([]byte(strings.ReplaceAll(text, `\"`, `"`)), &value)
	case "String":
		value = text
	default:
		t.Fatalf("a type that nobody knows: %s", kind)
	}
	require.NoError(t, err)
	return value
}
