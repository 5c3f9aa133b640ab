package flags_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/handover-go/handover/flags"
	schemas "github.com/open-feature/flagd-schemas/json"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

const schemaModule = "github.com/open-feature/flagd-schemas"

// What flagd publishes as right is taken, and what it publishes as wrong is refused.
func TestThePublishedDocuments(t *testing.T) {
	for name, text := range documents(t, in(t, schemaModule, "json/test/flagd/positive")) {
		t.Run("the daemon's positive: "+name, func(t *testing.T) { check(t, text, true) })
	}
	for verdict, want := range map[string]bool{"positive": true, "negative": false} {
		for name, text := range documents(t, in(t, schemaModule, "json/test/flags/"+verdict)) {
			t.Run(verdict+": "+name, func(t *testing.T) { check(t, text, want) })
		}
		for name, rule := range documents(t, in(t, schemaModule, "json/test/targeting/"+verdict)) {
			t.Run(verdict+" rule: "+name, func(t *testing.T) { check(t, around(t, rule), want) })
		}
	}
}

func isArray(text []byte) bool {
	var doc struct{ Flags any }
	_ = json.Unmarshal(text, &doc)
	_, list := doc.Flags.([]any)
	return list
}

func check(t *testing.T, text []byte, want bool) {
	t.Helper()
	err := refused(t, text)
	if want {
		require.NoError(t, err)
		return
	}
	require.Error(t, err)
	t.Log(err)
}

// refused is what a client says of a document.
func refused(t *testing.T, text []byte) error {
	c := flags.New(flags.Static(text), flags.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, c.Start(t.Context()))
	var wrong *flags.DocumentError
	if err := c.Check(t.Context()); errors.As(err, &wrong) {
		return wrong
	}
	require.NoError(t, c.Check(t.Context()))
	return nil
}

// around is a document with one flag that has the rule. Its variants are all the texts
// of the rule, since the schema does not look at what a rule gives.
func around(t *testing.T, rule []byte) []byte {
	t.Helper()
	var parsed any
	require.NoError(t, json.Unmarshal(rule, &parsed))
	variants := map[string]bool{"true": true, "false": false}
	texts(parsed, func(s string) { variants[s] = true })
	doc, err := json.Marshal(map[string]any{
		"flags":       map[string]any{"f": map[string]any{"state": "ENABLED", "variants": variants, "defaultVariant": "true", "targeting": parsed}},
		"$evaluators": map[string]any{"some-ref": map[string]any{"var": "x"}},
	})
	require.NoError(t, err)
	return doc
}

func texts(v any, f func(string)) {
	switch v := v.(type) {
	case string:
		if v != "" {
			f(v)
		}
	case []any:
		for _, x := range v {
			texts(x, f)
		}
	case map[string]any:
		for _, x := range v {
			texts(x, f)
		}
	}
}

// What the schema refuses is refused, in thousands of documents each of which differs in
// one place from one that is right.
func TestWhatTheSchemaRefusesIsRefused(t *testing.T) {
	schema := compiled(t)
	random := rand.New(rand.NewPCG(1, 2))
	both, ours := 0, 0
	for name, text := range documents(t, in(t, schemaModule, "json/test/flags/positive")) {
		if isArray(text) {
			continue
		}
		for range 400 {
			var doc any
			require.NoError(t, json.Unmarshal(text, &doc))
			where := change(random, doc)
			changed, err := json.Marshal(doc)
			require.NoError(t, err)
			parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(changed))
			require.NoError(t, err)
			refusal := refused(t, changed)
			switch schema.Validate(parsed) {
			case nil:
				if refusal != nil {
					ours++
				}
			default:
				both++
				if refusal == nil && !decided(where) {
					t.Errorf("%s: the schema refuses what is taken here: %s", name, where)
				}
			}
		}
	}
	t.Logf("refused by both %d, by our own rules %d", both, ours)
	require.Greater(t, both, 100)
}

// decided are places where flagd's decisions allow what its schema does not yet: arms
// and weights of a fractional that are computed, or null
// (open-feature/flagd, docs/architecture-decisions/fractional.md).
func decided(where string) bool { return strings.Contains(where, "/fractional[") }

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	for url, text := range map[string]string{
		"https://flagd.dev/schema/v0/flags.json":     schemas.FlagSchema,
		"https://flagd.dev/schema/v0/targeting.json": schemas.TargetingSchema,
	} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
		require.NoError(t, err)
		require.NoError(t, c.AddResource(url, doc))
	}
	schema, err := c.Compile("https://flagd.dev/schema/v0/flags.json")
	require.NoError(t, err)
	return schema
}

// change changes one place of a document, and says what it did: it takes a member away,
// gives it another name, or another value.
func change(random *rand.Rand, doc any) string {
	type edit struct {
		what string
		do   func()
	}
	var edits []edit
	var visit func(string, any)
	visit = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				value := other(random)
				edits = append(edits,
					edit{path + "/" + k + " is gone", func() { delete(v, k) }},
					edit{path + "/" + k + " has an x more", func() { v[k+"x"] = v[k]; delete(v, k) }},
					edit{fmt.Sprintf("%s/%s is %v", path, k, value), func() { v[k] = value }})
				visit(path+"/"+k, v[k])
			}
		case []any:
			for i := range v {
				value := other(random)
				edits = append(edits, edit{fmt.Sprintf("%s[%d] is %v", path, i, value), func() { v[i] = value }})
				visit(fmt.Sprintf("%s[%d]", path, i), v[i])
			}
		}
	}
	visit("", doc)
	chosen := edits[random.IntN(len(edits))]
	chosen.do()
	return chosen.what
}

func other(random *rand.Rand) any {
	values := []any{nil, true, 0.0, -1.0, 1e9, "", "x", []any{}, []any{"x"}, map[string]any{}, map[string]any{"x": 1.0}, map[string]any{"var": "x"}}
	return values[random.IntN(len(values))]
}
