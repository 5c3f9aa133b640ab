package ofprovider_test

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/ofprovider"
)

// flagd's evaluator kit, through the SDK: what its other readers give, ours gives.
func TestFlagdEvaluatorKit(t *testing.T) {
	kit := filepath.Join(cmp.Or(os.Getenv("FLAGD_TESTBED"), filepath.Join("..", "..", "..", "shared", "conformance", "flagd-testbed")), "evaluator")
	document, err := os.ReadFile(filepath.Join(kit, "flags", "testkit-flags.json"))
	if os.IsNotExist(err) && os.Getenv("FLAGD_TESTBED") == "" {
		t.Skip("no evaluator kit: clone https://github.com/open-feature/flagd-testbed, tag v3.9.0, and set FLAGD_TESTBED to where it is")
	}
	require.NoError(t, err)
	features, err := filepath.Glob(filepath.Join(kit, "gherkin", "*.feature"))
	require.NoError(t, err)
	require.NotEmpty(t, features)

	fl := started(t, flags.Static(document), flags.Config{Lenient: true})
	api, client := bound(t, ofprovider.New(fl))
	defer func() { require.NoError(t, api.Shutdown(t.Context())) }()
	ran := 0
	for _, path := range features {
		for _, s := range scenariosOf(t, path) {
			if slices.ContainsFunc(s.tags, undecided) {
				continue
			}
			ran++
			t.Run(s.name, func(t *testing.T) {
				k := kitRun{client: client, about: map[string]any{}}
				for _, st := range s.steps {
					k.step(t, st)
				}
			})
		}
	}
	require.NotZero(t, ran)
	t.Logf("%d scenarios", ran)
}

// undecided are the tags of another hash: the one that was, and the one to come.
func undecided(tag string) bool { return tag == "@fractional-v1" || tag == "@fractional-v3" }

// kitRun is a scenario at work.
type kitRun struct {
	client     *openfeature.Client
	kind, flag string
	fallback   string
	key        string
	about      map[string]any
	value      any
	details    openfeature.EvaluationDetails
}

// steps are the sentences of the kit.
var steps = []struct {
	sentence *regexp.Regexp
	do       func(*testing.T, *kitRun, []string, [][]string)
}{
	{regexp.MustCompile(`^an evaluator$`), func(*testing.T, *kitRun, []string, [][]string) {}},
	{regexp.MustCompile(`^a (\w+)-flag with key "(.*)" and a fallback value "(.*)"$`), func(_ *testing.T, k *kitRun, a []string, _ [][]string) {
		k.kind, k.flag, k.fallback = a[0], a[1], a[2]
	}},
	{regexp.MustCompile(`^a context containing a key "(.*)", with type "(.*)" and with value "(.*)"$`), func(t *testing.T, k *kitRun, a []string, _ [][]string) {
		k.about[a[0]] = typed(t, a[1], a[2])
	}},
	{regexp.MustCompile(`^a context containing a targeting key with value "(.*)"$`), func(_ *testing.T, k *kitRun, a []string, _ [][]string) {
		k.key = a[0]
	}},
	{regexp.MustCompile(`^a context containing a nested property with outer key "(.*)" and inner key "(.*)", with value "(.*)"$`), func(_ *testing.T, k *kitRun, a []string, _ [][]string) {
		k.about[a[0]] = map[string]any{a[1]: a[2]}
	}},
	{regexp.MustCompile(`^the flag was evaluated with details$`), func(t *testing.T, k *kitRun, _ []string, _ [][]string) {
		k.evaluate(t)
	}},
	{regexp.MustCompile(`^the resolved details value should be "(.*)"$`), func(t *testing.T, k *kitRun, a []string, _ [][]string) {
		require.Equal(t, typed(t, k.kind, a[0]), k.value)
	}},
	{regexp.MustCompile(`^the reason should be "(.*)"$`), func(t *testing.T, k *kitRun, a []string, _ [][]string) {
		require.Equal(t, openfeature.Reason(a[0]), k.details.Reason)
	}},
	{regexp.MustCompile(`^the error-code should be "(.*)"$`), func(t *testing.T, k *kitRun, a []string, _ [][]string) {
		require.Equal(t, openfeature.ErrorCode(a[0]), k.details.ErrorCode)
		require.Equal(t, openfeature.ErrorReason, k.details.Reason)
	}},
	{regexp.MustCompile(`^the resolved metadata should contain$`), func(t *testing.T, k *kitRun, _ []string, table [][]string) {
		for _, row := range table[1:] {
			want := typed(t, row[1], row[2])
			if n, ok := want.(int64); ok {
				want = float64(n) // as all numbers of metadata
			}
			require.Equal(t, want, k.details.FlagMetadata[row[0]], row[0])
		}
	}},
	{regexp.MustCompile(`^the resolved metadata is empty$`), func(t *testing.T, k *kitRun, _ []string, _ [][]string) {
		delete(k.details.FlagMetadata, "version") // the provider adds it, as telemetry wants it
		require.Empty(t, k.details.FlagMetadata)
	}},
}

func (k *kitRun) step(t *testing.T, st step) {
	t.Helper()
	for _, known := range steps {
		if m := known.sentence.FindStringSubmatch(st.text); m != nil {
			known.do(t, k, m[1:], st.table)
			return
		}
	}
	require.Fail(t, "a step that is not known", st.text)
}

func (k *kitRun) evaluate(t *testing.T) {
	ctx, about := t.Context(), openfeature.NewEvaluationContext(k.key, k.about)
	switch fallback := typed(t, k.kind, k.fallback).(type) { // an error is in the details
	case bool:
		d, _ := k.client.BooleanValueDetails(ctx, k.flag, fallback, about)
		k.value, k.details = d.Value, d.EvaluationDetails
	case string:
		d, _ := k.client.StringValueDetails(ctx, k.flag, fallback, about)
		k.value, k.details = d.Value, d.EvaluationDetails
	case int64:
		d, _ := k.client.IntValueDetails(ctx, k.flag, fallback, about)
		k.value, k.details = d.Value, d.EvaluationDetails
	case float64:
		d, _ := k.client.FloatValueDetails(ctx, k.flag, fallback, about)
		k.value, k.details = d.Value, d.EvaluationDetails
	default:
		d, _ := k.client.ObjectValueDetails(ctx, k.flag, fallback, about)
		k.value, k.details = d.Value, d.EvaluationDetails
	}
}

// typed is a value as the kit writes it.
func typed(t *testing.T, kind, text string) any {
	t.Helper()
	var v any
	var err error
	switch kind {
	case "Boolean":
		v, err = strconv.ParseBool(text)
	case "String":
		v = text
	case "Integer":
		v, err = strconv.ParseInt(text, 10, 64)
	case "Float":
		v, err = strconv.ParseFloat(text, 64)
	case "Object":
		err = json.Unmarshal([]byte(strings.ReplaceAll(text, `\"`, `"`)), &v)
	default:
		require.Fail(t, "a type that is not known", kind)
	}
	require.NoError(t, err)
	return v
}
