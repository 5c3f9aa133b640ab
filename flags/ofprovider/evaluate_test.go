package ofprovider_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/ofprovider"
)

const shopFlags = `{
	"metadata": {"version": "7", "team": "shop"},
	"flags": {
		"new":     {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
		"colour":  {"state": "ENABLED", "variants": {"red": "#f00", "none": ""}, "defaultVariant": "red"},
		"plain":   {"state": "ENABLED", "variants": {"red": "#f00", "none": ""}, "defaultVariant": "none"},
		"limit":   {"state": "ENABLED", "variants": {"ten": 10, "none": 0}, "defaultVariant": "ten"},
		"whole":   {"state": "ENABLED", "variants": {"ten": 10.0, "half": 0.5}, "defaultVariant": "ten"},
		"ratio":   {"state": "ENABLED", "variants": {"half": 0.5, "one": 1}, "defaultVariant": "half"},
		"large":   {"state": "ENABLED", "variants": {"large": 9007199254740993}, "defaultVariant": "large"},
		"page":    {"state": "ENABLED", "variants": {"a": {"title": "A", "sizes": [1, 2]}}, "defaultVariant": "a"},
		"gone":    {"state": "DISABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
		"bare":    {"state": "ENABLED", "variants": {"on": true, "off": false}},
		"staff":   {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		            "targeting": {"if": [{"ends_with": [{"var": "email"}, "@example.com"]}, "on", null]}},
		"mine":    {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		            "targeting": {"if": [{"==": [{"var": "targetingKey"}, "ann"]}, "on", null]}},
		"rollout": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		            "targeting": {"fractional": [["on", 100], ["off", 0]]}},
		"slip":    {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
		            "targeting": {"if": [{"var": "email"}, "onn", "nowhere"]}},
		"broken":  {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
		            "targeting": {"$ref": "nobody"}},
		"own":     {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "metadata": {"version": "own", "owner": "ann"}}
	}
}`

// The numbers are those of OpenFeature's specification, section 2, flag evaluation.
func TestEvaluationThroughTheSDK(t *testing.T) {
	api, client := bound(t, ofprovider.New(started(t, flags.Static(shopFlags), flags.Config{Lenient: true})))
	defer func() { require.NoError(t, api.Shutdown(t.Context())) }()
	nobody := openfeature.NewTargetlessEvaluationContext(nil)
	ann := openfeature.NewEvaluationContext("ann", map[string]any{"email": "ann@example.com"})

	type ask func(flag string, about openfeature.EvaluationContext) string
	boolean := func(fallback bool) ask {
		return func(flag string, about openfeature.EvaluationContext) string {
			d, err := client.BooleanValueDetails(t.Context(), flag, fallback, about)
			return said(d.Value, d.EvaluationDetails, err)
		}
	}
	text := func(flag string, about openfeature.EvaluationContext) string {
		d, err := client.StringValueDetails(t.Context(), flag, "mine", about)
		return said(d.Value, d.EvaluationDetails, err)
	}
	integer := func(flag string, about openfeature.EvaluationContext) string {
		d, err := client.IntValueDetails(t.Context(), flag, -1, about)
		return said(d.Value, d.EvaluationDetails, err)
	}
	float := func(flag string, about openfeature.EvaluationContext) string {
		d, err := client.FloatValueDetails(t.Context(), flag, -1, about)
		return said(d.Value, d.EvaluationDetails, err)
	}
	object := func(flag string, about openfeature.EvaluationContext) string {
		d, err := client.ObjectValueDetails(t.Context(), flag, "mine", about)
		return said(d.Value, d.EvaluationDetails, err)
	}

	for name, tt := range map[string]struct {
		ask   ask
		flag  string
		about openfeature.EvaluationContext
		want  string
	}{
		"2.2.2.1 a boolean":                           {boolean(false), "new", nobody, "true on STATIC"},
		"2.2.2.1 text":                                {text, "colour", nobody, "#f00 red STATIC"},
		"2.2.2.1 text that is empty":                  {text, "plain", nobody, " none STATIC"},
		"2.2.2.1 a whole number":                      {integer, "limit", nobody, "10 ten STATIC"},
		"2.2.2.1 a whole number that is written 10.0": {integer, "whole", nobody, "10 ten STATIC"},
		"2.2.2.1 a number":                            {float, "ratio", nobody, "0.5 half STATIC"},
		"2.2.2.1 a whole number as a float":           {float, "limit", nobody, "10 ten STATIC"},
		"2.2.2.1 an object":                           {object, "page", nobody, "map[sizes:[1 2] title:A] a STATIC"},

		"2.2.5 no rule matches":                     {boolean(true), "staff", nobody, "false off DEFAULT"},
		"2.2.5 a rule matches an attribute":         {boolean(false), "staff", ann, "true on TARGETING_MATCH"},
		"2.2.5 a rule matches the targeting key":    {boolean(false), "mine", ann, "true on TARGETING_MATCH"},
		"2.2.5 a rollout has chosen":                {boolean(false), "rollout", ann, "true on SPLIT"},
		"2.2.5 a rollout has no key to go by":       {boolean(true), "rollout", nobody, "false off DEFAULT"},
		"2.2.5 a disabled flag is the caller's":     {boolean(true), "gone", ann, "true  DISABLED"},
		"2.2.5 no default variant, the caller's":    {boolean(true), "bare", ann, "true  DEFAULT"},
		"2.2.5 and of whatever type the caller has": {text, "bare", ann, "mine  DEFAULT"},

		"2.2.7 there is no such flag":             {boolean(true), "nwe", ann, `true  ERROR FLAG_NOT_FOUND the set has no flag "nwe"`},
		"2.2.7 text is no boolean":                {boolean(true), "colour", ann, `true  ERROR TYPE_MISMATCH variant "red" of flag "colour" is text: ask for that, or change the definition`},
		"2.2.7 a boolean is no text":              {text, "new", ann, `mine  ERROR TYPE_MISMATCH variant "on" of flag "new" is a boolean: ask for that, or change the definition`},
		"2.2.7 a half is no whole number":         {integer, "ratio", ann, `-1  ERROR TYPE_MISMATCH variant "half" of flag "ratio" is a number that is not whole, or not exactly: ask for that, or change the definition`},
		"2.2.7 a number may be too large":         {integer, "large", ann, `-1  ERROR TYPE_MISMATCH variant "large" of flag "large" is a number that is not whole, or not exactly: ask for that, or change the definition`},
		"2.2.7 an object is no number":            {float, "page", ann, `-1  ERROR TYPE_MISMATCH variant "a" of flag "page" is an object: ask for that, or change the definition`},
		"2.2.7 a number is no object":             {object, "limit", ann, `mine  ERROR TYPE_MISMATCH variant "ten" of flag "limit" is a number: ask for that, or change the definition`},
		"2.2.7 a rule names no variant":           {boolean(true), "slip", ann, `true  ERROR GENERAL a rule of flag "slip" gave none of its variants`},
		"2.2.7 a definition that makes no sense":  {boolean(true), "broken", ann, `true  ERROR PARSE_ERROR the definition of flag "broken" cannot be evaluated`},
		"3.1.1 a targeting key that is no string": {boolean(true), "new", openfeature.NewTargetlessEvaluationContext(map[string]any{"targetingKey": 5}), "true  ERROR INVALID_CONTEXT targetingKey is a int: give a string"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, tt.ask(tt.flag, tt.about)) })
	}
}

func said(value any, d openfeature.EvaluationDetails, err error) string {
	line := fmt.Sprint(value, " ", d.Variant, " ", d.Reason)
	if err != nil {
		line += fmt.Sprint(" ", d.ErrorCode, " ", d.ErrorMessage)
	}
	return line
}

// 2.2.9
func TestFlagMetadata(t *testing.T) {
	provider := ofprovider.New(started(t, flags.Static(shopFlags), flags.Config{Lenient: true}))
	for name, tt := range map[string]struct {
		flag, key string
		want      openfeature.FlagMetadata
	}{
		"the set's":                       {"new", "ann", openfeature.FlagMetadata{"version": "7", "team": "shop"}},
		"the flag's own, but the version": {"own", "ann", openfeature.FlagMetadata{"version": "7", "team": "shop", "owner": "ann"}},
		"a rollout was passed over":       {"rollout", "", openfeature.FlagMetadata{"version": "7", "team": "shop", "targetingKeyMissing": true}},
		"an unknown flag has a version":   {"nwe", "ann", openfeature.FlagMetadata{"version": "7"}},
		"an error leaves it as it would":  {"broken", "ann", openfeature.FlagMetadata{"version": "7", "team": "shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			about := openfeature.FlattenedContext{}
			if tt.key != "" {
				about[openfeature.TargetingKey] = tt.key
			}
			d := provider.BooleanEvaluation(t.Context(), tt.flag, false, about)
			require.Equal(t, tt.want, d.FlagMetadata)
		})
	}
}

func TestAnObjectIsTheCallersOwn(t *testing.T) {
	provider := ofprovider.New(started(t, flags.Static(shopFlags), flags.Config{Lenient: true}))
	asked := func() map[string]any {
		return provider.ObjectEvaluation(t.Context(), "page", nil, nil).Value.(map[string]any)
	}
	page := asked()
	page["title"] = "B"
	page["sizes"].([]any)[0] = 9
	require.Equal(t, map[string]any{"title": "A", "sizes": []any{1.0, 2.0}}, asked())
}

// 2.1.1, 2.3.1
func TestTheProviderHasANameAndNoHooks(t *testing.T) {
	provider := ofprovider.New(nil)
	require.Equal(t, "handover", provider.Metadata().Name)
	require.Empty(t, provider.Hooks())
}

// 3.2.3: what is merged by the SDK is what rules see.
func TestContextsAreMerged(t *testing.T) {
	api, client := bound(t, ofprovider.New(started(t, flags.Static(shopFlags), flags.Config{Lenient: true})))
	defer func() { require.NoError(t, api.Shutdown(t.Context())) }()
	asked := func(ctx context.Context, about openfeature.EvaluationContext) bool {
		on, err := client.BooleanValue(ctx, "staff", false, about)
		require.NoError(t, err)
		return on
	}
	email := func(address string) openfeature.EvaluationContext {
		return openfeature.NewTargetlessEvaluationContext(map[string]any{"email": address})
	}
	none := openfeature.NewTargetlessEvaluationContext(nil)
	require.False(t, asked(t.Context(), none))
	api.SetEvaluationContext(email("ann@example.com"))
	require.True(t, asked(t.Context(), none))
	ctx := openfeature.WithTransactionContext(t.Context(), email("bob@example.org"))
	require.False(t, asked(ctx, none))
	require.True(t, asked(ctx, email("eve@example.com")))
}

// A request that is pinned sees one version, through OpenFeature as well; a kill passes.
func TestAPinnedRequestSeesOneVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &store{json: set("new", "old")}
		fl := newClient(source, flags.Config{})
		require.NoError(t, fl.Start(t.Context()))
		stop := running(t, fl)
		api, client := bound(t, ofprovider.New(fl))
		asked := func(ctx context.Context) string {
			d, err := client.BooleanValueDetails(ctx, "old", false, openfeature.EvaluationContext{})
			version, _ := d.FlagMetadata.GetString("version")
			return said(d.Value, d.EvaluationDetails, err) + " of " + version
		}
		pinned := fl.Pin(t.Context(), flags.Subject{Key: "ann"})
		source.put(set("new"), nil)
		synctest.Wait()
		require.Equal(t, "true on STATIC of new+old", asked(pinned))
		require.Equal(t, `false  ERROR FLAG_NOT_FOUND the set has no flag "old" of new`, asked(t.Context()))
		source.put(set("new", "old"), nil)
		synctest.Wait()
		require.NoError(t, fl.Kill("old", "it is wrong"))
		require.Equal(t, "false  DISABLED of new+old", asked(pinned))
		require.Equal(t, "false  DISABLED of new+old", asked(t.Context()))
		require.NoError(t, api.Shutdown(t.Context()))
		stop()
	})
}

func TestWithoutAClientTheCallersDefault(t *testing.T) {
	d := ofprovider.New(nil).BooleanEvaluation(t.Context(), "new", true, nil)
	require.True(t, d.Value)
	require.EqualError(t, d.Error(), "PROVIDER_FATAL: ofprovider: there is no client: give New one")
}
