//go:build unix && !race

package bench_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/store"
	flagdsync "github.com/open-feature/flagd/core/pkg/sync"
	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"github.com/open-feature/go-sdk/openfeature/memprovider"
	"github.com/stretchr/testify/require"
	ffclient "github.com/thomaspoignant/go-feature-flag"
	"github.com/thomaspoignant/go-feature-flag/ffcontext"
)

// openFeature has a provider whose rules are Go code, so it is the price of the SDK.
func openFeature(tb testing.TB) asked {
	tb.Helper()
	ctx := tb.Context()
	api := isolated.NewAPI()
	require.NoError(tb, api.SetProviderAndWait(ctx, memprovider.NewInMemoryProvider(flagDefinitions(openFeatureFlag))))
	tb.Cleanup(func() { require.NoError(tb, api.Shutdown(context.WithoutCancel(ctx))) })
	client := api.NewClient()
	build := func(u flagUser) openfeature.EvaluationContext {
		return openfeature.NewEvaluationContext(u.id, u.attributes())
	}
	users, contexts := flagUsers(), perUser(build)
	return byKey(
		func(key string, user int) bool { return client.Boolean(ctx, key, false, contexts[user]) },
		func(key string, user int) bool { return client.Boolean(ctx, key, false, build(users[user])) },
		func(key string, user int) string { return client.String(ctx, key, "none", contexts[user]) },
	)
}

func openFeatureFlag(key string, of kind) memprovider.InMemoryFlag {
	flag := memprovider.InMemoryFlag{
		Key: key, State: memprovider.Enabled, DefaultVariant: "off",
		Variants: map[string]any{"on": true, "off": false, "A": "A", "B": "B", "C": "C"},
	}
	choose := map[kind]func(openfeature.FlattenedContext) (variant string, reason openfeature.Reason){
		rollout: func(user openfeature.FlattenedContext) (string, openfeature.Reason) {
			return onOrOff(openFeatureHundredth(key, user) < 25), openfeature.SplitReason
		},
		targeted: func(user openfeature.FlattenedContext) (string, openfeature.Reason) {
			country, _ := user["country"].(string)
			email, _ := user["email"].(string)
			if user["plan"] == "enterprise" || slices.Contains(euro(), country) || strings.HasSuffix(email, ours) {
				return "on", openfeature.TargetingMatchReason
			}
			return onOrOff(openFeatureHundredth(key, user) < 25), openfeature.SplitReason
		},
		abc: func(user openfeature.FlattenedContext) (string, openfeature.Reason) {
			return letter(openFeatureHundredth(key, user)), openfeature.SplitReason
		},
	}[of]
	if of == alwaysOn {
		flag.DefaultVariant = "on"
	}
	if choose == nil {
		return flag
	}
	evaluate := func(flag memprovider.InMemoryFlag, user openfeature.FlattenedContext) (any, openfeature.ProviderResolutionDetail) {
		variant, reason := choose(user)
		return flag.Variants[variant], openfeature.ProviderResolutionDetail{Variant: variant, Reason: reason}
	}
	flag.ContextEvaluator = &evaluate
	return flag
}

func openFeatureHundredth(key string, user openfeature.FlattenedContext) uint64 {
	id, _ := user[openfeature.TargetingKey].(string)
	return hundredth(key, id)
}

func onOrOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// flagdCore is the evaluator of flagd's daemon and of its in-process providers, with
// the store that they have.
func flagdCore(tb testing.TB) asked {
	tb.Helper()
	ctx := tb.Context()
	silent := logger.NewLogger(nil, false)
	flags, err := store.NewStore(silent, []string{"memory"})
	require.NoError(tb, err)
	core := evaluator.NewJSON(silent, flags)
	require.NoError(tb, core.SetState(flagdsync.DataSync{Source: "memory", FlagData: string(flagdDocument(tb))}))
	build := func(u flagUser) map[string]any {
		all := u.attributes()
		all["targetingKey"] = u.id
		return all
	}
	users, contexts := flagUsers(), perUser(build)
	return byKey(
		func(key string, user int) bool {
			on, _, _, _, _ := core.ResolveBooleanValue(ctx, "", key, contexts[user])
			return on
		},
		func(key string, user int) bool {
			on, _, _, _, _ := core.ResolveBooleanValue(ctx, "", key, build(users[user]))
			return on
		},
		func(key string, user int) string {
			variant, _, _, _, _ := core.ResolveStringValue(ctx, "", key, contexts[user])
			return variant
		},
	)
}

// flagdDocument is the 500 flags in flagd's format, which is ours as well.
func flagdDocument(tb testing.TB) []byte {
	tb.Helper()
	return flagJSON(tb, object{"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": flagDefinitions(flagdFlag)})
}

func flagdFlag(_ string, of kind) object {
	flag := object{"state": "ENABLED", "variants": object{"on": true, "off": false}, "defaultVariant": "off"}
	quarter := object{"fractional": []any{[]any{"on", 25}, []any{"off", 75}}}
	attribute := func(name string) object { return object{"var": name} }
	switch of {
	case alwaysOn:
		flag["defaultVariant"] = "on"
	case rollout:
		flag["targeting"] = quarter
	case targeted:
		flag["targeting"] = object{"if": []any{
			object{"==": []any{attribute("plan"), "enterprise"}},
			"on",
			object{"in": []any{attribute("country"), euro()}},
			"on",
			object{"ends_with": []any{attribute("email"), ours}},
			"on",
			quarter,
		}}
	case abc:
		flag["variants"] = object{"A": "A", "B": "B", "C": "C"}
		flag["defaultVariant"] = "A"
		flag["targeting"] = object{"fractional": []any{[]any{"A", 50}, []any{"B", 30}, []any{"C", 20}}}
	}
	return flag
}

// goFeatureFlag has neither exporter nor notifier, and does not poll.
func goFeatureFlag(tb testing.TB) asked {
	tb.Helper()
	client, err := ffclient.New(ffclient.Config{
		PollingInterval: -1,
		FileFormat:      "json",
		Retriever:       retrieved(flagJSON(tb, flagDefinitions(goFeatureFlagFlag))),
	})
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	build := func(u flagUser) ffcontext.Context {
		return ffcontext.NewEvaluationContextBuilder(u.id).
			AddCustom("plan", u.plan).AddCustom("country", u.country).AddCustom("email", u.email).Build()
	}
	users, contexts := flagUsers(), perUser(build)
	return byKey(
		func(key string, user int) bool {
			on, _ := client.BoolVariation(key, contexts[user], false)
			return on
		},
		func(key string, user int) bool {
			on, _ := client.BoolVariation(key, build(users[user]), false)
			return on
		},
		func(key string, user int) string {
			variant, _ := client.StringVariation(key, contexts[user], "none")
			return variant
		},
	)
}

// retrieved is a retriever that has been there already.
type retrieved []byte

func (r retrieved) Retrieve(context.Context) ([]byte, error) { return r, nil }

func goFeatureFlagFlag(_ string, of kind) object {
	flag := object{"variations": object{"on": true, "off": false}}
	quarter := object{"percentage": object{"on": 25, "off": 75}}
	switch of {
	case alwaysOn, alwaysOff:
		flag["defaultRule"] = object{"variation": string(of)}
	case rollout:
		flag["defaultRule"] = quarter
	case targeted:
		flag["targeting"] = []object{
			{"query": `plan eq "enterprise"`, "variation": "on"},
			{"query": `country in ["` + strings.Join(euro(), `","`) + `"]`, "variation": "on"},
			{"query": `email ew "` + ours + `"`, "variation": "on"},
		}
		flag["defaultRule"] = quarter
	case abc:
		flag["variations"] = object{"A": "A", "B": "B", "C": "C"}
		flag["defaultRule"] = object{"percentage": object{"A": 50, "B": 30, "C": 20}}
	}
	return flag
}
