//go:build unix && !race

package bench_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Unleash/unleash-go-sdk/v5"
	unleashcontext "github.com/Unleash/unleash-go-sdk/v5/context"
	"github.com/cespare/xxhash/v2"
	growthbook "github.com/growthbook/growthbook-golang"
	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	"github.com/launchdarkly/go-sdk-common/v3/ldvalue"
	"github.com/launchdarkly/go-server-sdk-evaluation/v3/ldbuilders"
	"github.com/launchdarkly/go-server-sdk-evaluation/v3/ldmodel"
	ldclient "github.com/launchdarkly/go-server-sdk/v7"
	"github.com/launchdarkly/go-server-sdk/v7/ldcomponents"
	"github.com/launchdarkly/go-server-sdk/v7/testhelpers/ldtestdata"
	"github.com/stretchr/testify/require"
)

// floorFlags is the least that an evaluation can be: a look into a map, a hash of flag
// and user, and a bare value. Its rules are Go code.
func floorFlags(testing.TB) asked {
	type rules struct{ of kind }
	flags := flagDefinitions(func(_ string, of kind) *rules { return &rules{of} })
	users := flagUsers()
	is := func(key string, user *flagUser) bool {
		switch flags[key].of {
		case alwaysOn:
			return true
		case rollout:
			return hundredth(key, user.id) < 25
		case targeted:
			return user.plan == "enterprise" || slices.Contains(euro(), user.country) ||
				strings.HasSuffix(user.email, ours) || hundredth(key, user.id) < 25
		}
		return false
	}
	return byKey(
		func(key string, user int) bool { return is(key, &users[user]) },
		func(key string, user int) bool {
			u := users[user]
			return is(key, &flagUser{id: u.id, plan: u.plan, country: u.country, email: u.email})
		},
		func(key string, user int) string { return letter(hundredth(key, users[user].id)) },
	)
}

func hundredth(key, id string) uint64 {
	var buf [64]byte
	return xxhash.Sum64(append(append(buf[:0], key...), id...)) % 100
}

func letter(hundredth uint64) string {
	switch {
	case hundredth < 50:
		return "A"
	case hundredth < 80:
		return "B"
	}
	return "C"
}

// launchDarkly has its flags as its service sends them, with everything precomputed,
// and events switched off in the only way that keeps it from making them.
func launchDarkly(tb testing.TB) asked {
	tb.Helper()
	source := ldtestdata.DataSource()
	for _, flag := range flagDefinitions(launchDarklyFlag) {
		source.UsePreconfiguredFlag(flag)
	}
	client, err := ldclient.MakeCustomClient("sdk-key", ldclient.Config{
		DataSource:       source,
		Events:           ldcomponents.NoEvents(),
		DiagnosticOptOut: true,
		Logging:          ldcomponents.NoLogging(),
	}, 5*time.Second)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, client.Close()) })
	build := func(u flagUser) ldcontext.Context {
		return ldcontext.NewBuilder(u.id).SetString("plan", u.plan).SetString("country", u.country).SetString("email", u.email).Build()
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

func launchDarklyFlag(key string, of kind) ldmodel.FeatureFlag {
	flag := ldbuilders.NewFlagBuilder(key).Version(1).Salt("salt").On(of != alwaysOff).OffVariation(1).
		Variations(ldvalue.Bool(true), ldvalue.Bool(false))
	quarter := ldbuilders.Rollout(ldbuilders.Bucket(0, 25_000), ldbuilders.Bucket(1, 75_000))
	switch of {
	case alwaysOn, alwaysOff:
		flag.FallthroughVariation(0)
	case rollout:
		flag.Fallthrough(quarter)
	case targeted:
		for _, clause := range []ldmodel.Clause{
			ldbuilders.Clause("plan", ldmodel.OperatorIn, ldvalue.String("enterprise")),
			ldbuilders.Clause("country", ldmodel.OperatorIn, ldStrings(euro())...),
			ldbuilders.Clause("email", ldmodel.OperatorEndsWith, ldvalue.String(ours)),
		} {
			flag.AddRule(ldbuilders.NewRuleBuilder().Variation(0).Clauses(clause))
		}
		flag.Fallthrough(quarter)
	case abc:
		flag.Variations(ldvalue.String("A"), ldvalue.String("B"), ldvalue.String("C")).Fallthrough(ldbuilders.Rollout(
			ldbuilders.Bucket(0, 50_000), ldbuilders.Bucket(1, 30_000), ldbuilders.Bucket(2, 20_000)))
	}
	return flag.Build()
}

func ldStrings(all []string) []ldvalue.Value {
	var values []ldvalue.Value
	for _, s := range all {
		values = append(values, ldvalue.String(s))
	}
	return values
}

// growthBook is a client for each user that shares one's features, which is what its
// README has for a request. It tracks nothing, because nobody listens.
func growthBook(tb testing.TB) asked {
	tb.Helper()
	ctx := tb.Context()
	client, err := growthbook.NewClient(ctx,
		growthbook.WithLogger(slog.New(slog.DiscardHandler)),
		growthbook.WithJsonFeatures(string(flagJSON(tb, flagDefinitions(growthBookFeature)))))
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, client.Close()) })
	build := func(u flagUser) *growthbook.Client {
		of, err := client.WithAttributes(growthbook.Attributes{"id": u.id, "plan": u.plan, "country": u.country, "email": u.email})
		if err != nil {
			panic(err) // there is nothing in it that could fail
		}
		return of
	}
	users, clients := flagUsers(), perUser(build)
	return byKey(
		func(key string, user int) bool { return clients[user].EvalFeature(ctx, key).On },
		func(key string, user int) bool { return build(users[user]).EvalFeature(ctx, key).On },
		func(key string, user int) string {
			variant, _ := clients[user].EvalFeature(ctx, key).Value.(string)
			return variant
		},
	)
}

func growthBookFeature(key string, of kind) object {
	// Version 1 of its hash makes flags that are not independent of one another.
	quarter := object{"force": true, "coverage": 0.25, "hashAttribute": "id", "hashVersion": 2, "seed": key}
	switch of {
	case rollout:
		return object{"defaultValue": false, "rules": []object{quarter}}
	case targeted:
		return object{"defaultValue": false, "rules": []object{
			{"force": true, "condition": object{"plan": "enterprise"}},
			{"force": true, "condition": object{"country": object{"$in": euro()}}},
			{"force": true, "condition": object{"email": object{"$regex": `@example\.com$`}}}, // it has no suffixes
			quarter,
		}}
	case abc:
		return object{"defaultValue": "none", "rules": []object{{
			"variations": []string{"A", "B", "C"}, "weights": []float64{0.5, 0.3, 0.2},
			"key": key, "seed": key, "hashAttribute": "id", "hashVersion": 2,
		}}}
	}
	return object{"defaultValue": of == alwaysOn}
}

// unleashFlags fetches its flags once, from memory.
func unleashFlags(tb testing.TB) asked {
	tb.Helper()
	features := []object{}
	for _, feature := range flagDefinitions(unleashFeature) {
		features = append(features, feature)
	}
	client, err := unleash.NewClient(
		unleash.WithAppName("bench"),
		unleash.WithUrl("http://unleash.test/api/"),
		unleash.WithHttpClient(&http.Client{Transport: fetched(flagJSON(tb, object{"version": 2, "features": features}))}),
		unleash.WithRefreshInterval(time.Hour),
		unleash.WithDisableMetrics(true),
		unleash.WithBackupPath(tb.TempDir()))
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, client.Close()) })
	client.WaitForReady()
	build := func(u flagUser) unleashcontext.Context {
		return unleashcontext.Context{UserId: u.id, Properties: map[string]string{"plan": u.plan, "country": u.country, "email": u.email}}
	}
	users, contexts := flagUsers(), perUser(build)
	return byKey(
		func(key string, user int) bool { return client.IsEnabled(key, unleash.WithContext(contexts[user])) },
		func(key string, user int) bool {
			return client.IsEnabled(key, unleash.WithContext(build(users[user])))
		},
		func(key string, user int) string {
			return client.GetVariant(key, unleash.WithVariantContext(contexts[user])).Name
		},
	)
}

func unleashFeature(key string, of kind) object {
	everybody := func(constraint object) object {
		return object{"name": "default", "parameters": object{}, "constraints": []object{constraint}}
	}
	share := func(percent string) object {
		return object{"name": "flexibleRollout", "parameters": object{"rollout": percent, "stickiness": "default", "groupId": key}}
	}
	feature := object{"name": key, "enabled": of != alwaysOff, "strategies": []object{}}
	switch of {
	case rollout:
		feature["strategies"] = []object{share("25")}
	case targeted:
		feature["strategies"] = []object{
			everybody(object{"contextName": "plan", "operator": "IN", "values": []string{"enterprise"}}),
			everybody(object{"contextName": "country", "operator": "IN", "values": euro()}),
			everybody(object{"contextName": "email", "operator": "STR_ENDS_WITH", "values": []string{ours}}),
			share("25"),
		}
	case abc:
		feature["strategies"] = []object{share("100")}
		feature["variants"] = []object{
			{"name": "A", "weight": 500, "stickiness": "default"},
			{"name": "B", "weight": 300, "stickiness": "default"},
			{"name": "C", "weight": 200, "stickiness": "default"},
		}
	}
	return feature
}

// fetched answers every request with the same document, and dials nobody.
type fetched []byte

func (f fetched) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(f)), ContentLength: int64(len(f)), Request: r,
	}, nil
}
