package logic_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/bucket"
	"github.com/handover-go/handover/flags/internal/logic"
	"github.com/handover-go/handover/flags/internal/tree"
)

// common are what rules mostly are. None of them allocates.
var common = map[string]string{
	"a boolean":   `{"==": [{"var": "beta"}, true]}`,
	"a path":      `{"var": "user.tags.0.id"}`,
	"a rollout":   `{"fractional": [["on", 25], ["off", 75]]}`,
	"three rules": `{"if": [{"==": [{"var": "country"}, "CH"]}, "on", {"in": [{"var": "plan"}, ["pro", "team"]]}, "on", {"sem_ver": [{"var": "version"}, ">=", "3.0.0"]}, "on", {"fractional": [["on", 25], ["off", 75]]}]}`,
	"by account":  `{"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "account"}]}, ["a", 1], ["b", 1], ["c", 1]]}`,
	"by weights":  `{"fractional": [["on", {"-": [{"var": "$flagd.timestamp"}, 1000]}], ["off", 5000]]}`,
	"a number":    `{"<": [{"var": "country"}, 5]}`,
	"between":     `{"<=": [18, {"var": "age"}, 65]}`,
	"an affix":    `{"and": [{"ends_with": [{"var": "email"}, "@example.com"]}, {"!": {"starts_with": [{"var": "email"}, "test"]}}]}`,
	"a role":      `{"in": ["admin", {"var": "roles"}]}`,
	"a long list": `{"in": [{"var": "account"}, ["a","b","c","d","e","f","g","h","i","j","k","l","m"]]}`,
	"$ref":        `{"if": [{"$ref": "staff"}, "on", "off"]}`,
}

func commonScope() *logic.Scope {
	return &logic.Scope{Key: "user-4711", Now: 1100, Attributes: map[string]any{
		"beta": true, "country": "DE", "plan": "free", "version": "2.14.3", "account": "acme-17", "age": 42,
		"email": "zoe@example.com", "roles": []string{"dev", "ops"},
		"user": map[string]any{"tags": []any{map[string]any{"id": "x"}}},
	}}
}

func commonRule(t testing.TB, name string, algorithm bucket.Algorithm) logic.Rule {
	c := compiler()
	c.Bucketing = algorithm
	c.Evaluators = map[string]*tree.Node{"staff": parse(t, `{"==": [{"var": "plan"}, "staff"]}`)}
	rule, mistakes := c.Compile(parse(t, common[name]), "targeting")
	require.Empty(t, mistakes)
	return rule
}

func TestNothingIsAllocated(t *testing.T) {
	scope := commonScope()
	for name := range common {
		for _, algorithm := range []bucket.Algorithm{bucket.FlagdV2, bucket.MD5, bucket.V1} {
			if algorithm == bucket.V1 && name == "by account" {
				continue // v1 puts the text together
			}
			rule := commonRule(t, name, algorithm)
			require.False(t, rule(scope).IsNull() || rule(scope).Skipped, name)
			require.Zero(t, testing.AllocsPerRun(100, func() { rule(scope) }), "%s, %v", name, algorithm)
		}
	}
}

func TestARuleIsForAllGoroutines(t *testing.T) {
	scope := commonScope()
	var wg sync.WaitGroup
	for name := range common {
		rule := commonRule(t, name, bucket.V1)
		want := rule(scope)
		for range 4 {
			wg.Go(func() {
				if got := rule(scope); got.Text() != want.Text() {
					t.Errorf("%s: %s, and alone %s", name, got.Text(), want.Text())
				}
			})
		}
	}
	wg.Wait()
}

func BenchmarkRule(b *testing.B) {
	scope := commonScope()
	for name := range common {
		b.Run(name, func(b *testing.B) {
			rule := commonRule(b, name, bucket.FlagdV2)
			b.ReportAllocs()
			for b.Loop() {
				rule(scope)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	node := parse(b, common["three rules"])
	b.ReportAllocs()
	for b.Loop() {
		if _, mistakes := compiler().Compile(node, "flags.checkout.targeting"); len(mistakes) > 0 {
			b.Fatal(fmt.Sprint(mistakes))
		}
	}
}
