//go:build unix && !race

package bench_test

import (
	"fmt"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A flagClient is one that is measured: it loads the 500 flags, reaches no network, and
// is closed when the test is over. What it reports elsewhere (events, metrics) is off,
// and nothing is logged.
type flagClient struct {
	name  string
	start func(testing.TB) asked
}

func flagClients() []flagClient {
	return []flagClient{
		{"floor", floorFlags},
		{"handover", handoverFlags},
		{"launchdarkly", launchDarkly},
		{"growthbook", growthBook},
		{"unleash", unleashFlags},
		{"openfeature", openFeature},
		{"flagd", flagdCore},
		{"goff", goFeatureFlag},
	}
}

// asked is a client that has the flags. A flag and a user are numbers, so that each
// client may prepare what its users prepare: handles of flags, contexts of requests.
type asked struct {
	on, off, rollout, targeted func(flag, user int) bool
	fresh                      func(flag, user int) bool // as targeted, but the context is built first
	abc                        func(flag, user int) string
}

// byKey is for clients that are asked by the key of a flag, which are all but ours.
func byKey(is, fresh func(key string, user int) bool, variant func(key string, user int) string) asked {
	of := func(k kind, is func(string, int) bool) func(int, int) bool {
		keys := flagKeys(k)
		return func(flag, user int) bool { return is(keys[flag], user) }
	}
	split := flagKeys(abc)
	return asked{
		on: of(alwaysOn, is), off: of(alwaysOff, is), rollout: of(rollout, is), targeted: of(targeted, is),
		fresh: of(targeted, fresh),
		abc:   func(flag, user int) string { return variant(split[flag], user) },
	}
}

// A question is a case of BenchmarkFlags.
type question struct {
	name string
	ask  func(flag, user int)
}

func (a asked) questions() []question {
	is := func(f func(int, int) bool) func(int, int) { return func(flag, user int) { f(flag, user) } }
	return []question{
		{"1-bool", is(a.on)},
		{"2-rollout", is(a.rollout)},
		{"3-targeted", is(a.targeted)},
		{"4-abc", func(flag, user int) { a.abc(flag, user) }},
		{"5-fresh", is(a.fresh)},
	}
}

// BenchmarkFlags measures an evaluation, with 500 flags loaded, a hundred keys and 1024
// users in turn: of a flag that is on, of a rollout to 25 %, of three rules and then a
// rollout, of a split into three, and the third again with its context built each time.
// Each is asked by one goroutine, and by one for each processor.
//
// cpu-ns/op is processor time, background included. It says what two processors cost
// each other, and on a shared machine it is the steadier figure. Who may be compared
// with whom: floor is a map, a hash and a bare value; openfeature's rules are Go code.
func BenchmarkFlags(b *testing.B) {
	for _, client := range flagClients() {
		b.Run(client.name, func(b *testing.B) {
			for _, q := range client.start(b).questions() {
				b.Run(q.name+"/sequential", q.sequential)
				b.Run(q.name+"/parallel", q.parallel)
			}
		})
	}
}

func (q question) sequential(b *testing.B) {
	b.ReportAllocs()
	flag, user := 0, 0
	before := cpuTime()
	for b.Loop() {
		q.ask(flag, user)
		flag, user = next(flag, user)
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

func (q question) parallel(b *testing.B) {
	b.ReportAllocs()
	var goroutine atomic.Int64
	b.ResetTimer()
	before := cpuTime()
	b.RunParallel(func(pb *testing.PB) {
		// Each begins somewhere else: no two ask the same at the same time.
		start := int(goroutine.Add(1))
		flag, user := 37*start%flagsOfAKind, 371*start%userCount
		for pb.Next() {
			q.ask(flag, user)
			flag, user = next(flag, user)
		}
	})
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

func next(flag, user int) (nextFlag, nextUser int) {
	if flag++; flag == flagsOfAKind {
		flag = 0
	}
	return flag, (user + 1) % userCount
}

// shares says what is wrong with a client's answers: one that serves its default because
// its rules are not understood is the fastest of all. Each flag is asked for a seventh of
// the users and each user for a seventh of the flags, since some take their time.
func shares(a asked) error {
	var all, rolledOut, others, targetedToo int
	variants := map[string]int{}
	for u, user := range flagUsers() {
		for flag := (7 - u%7) % 7; flag < flagsOfAKind; flag += 7 {
			all++
			switch on := a.targeted(flag, u); {
			case !a.on(flag, u) || a.off(flag, u):
				return fmt.Errorf("a flag without rules: %s has on-%d %t, off-%d %t", user.id, flag, a.on(flag, u), flag, a.off(flag, u))
			case on != a.targeted(flag, u) || on != a.fresh(flag, u):
				return fmt.Errorf("asked again: %s has another targeted-%d", user.id, flag)
			case user.byRule() && !on:
				return fmt.Errorf("a rule: %+v has targeted-%d off", user, flag)
			case !user.byRule():
				others++
				targetedToo += count(on)
			}
			rolledOut += count(a.rollout(flag, u))
			variants[a.abc(flag, u)]++
		}
	}
	for what, share := range map[string]struct{ got, want float64 }{
		"rollout":                {float64(rolledOut) / float64(all), 0.25},
		"rollout after no rule":  {float64(targetedToo) / float64(others), 0.25},
		"A":                      {float64(variants["A"]) / float64(all), 0.5},
		"B":                      {float64(variants["B"]) / float64(all), 0.3},
		"C":                      {float64(variants["C"]) / float64(all), 0.2},
		"users that no rule has": {float64(others) / float64(all), 0.492},
	} {
		if math.Abs(share.got-share.want) > 0.015 {
			return fmt.Errorf("%s: %.1f %%, and not %.1f", what, 100*share.got, 100*share.want)
		}
	}
	return nil
}

func count(on bool) int {
	if on {
		return 1
	}
	return 0
}

func TestShares(t *testing.T) {
	for _, client := range flagClients() {
		t.Run(client.name, func(t *testing.T) {
			require.NoError(t, shares(client.start(t)))
		})
	}
}

// Each change makes one answer wrong, as a client does that has not understood a rule.
func TestSharesFindsWhoServesADefault(t *testing.T) {
	require.NoError(t, shares(floorFlags(t)))
	never := func(int, int) bool { return false }
	always := func(int, int) bool { return true }
	tests := map[string]struct {
		change func(*asked)
		want   string
	}{
		"nothing is on":           {func(a *asked) { a.on = never }, "a flag without rules: user-0 has on-0 false"},
		"what is off is on":       {func(a *asked) { a.off = always }, "a flag without rules"},
		"nobody is in a rollout":  {func(a *asked) { a.rollout = never }, "rollout: 0.0 %, and not 25.0"},
		"everybody is":            {func(a *asked) { a.rollout = always }, "rollout: 100.0 %, and not 25.0"},
		"no rule is understood":   {func(a *asked) { a.targeted, a.fresh = never, never }, "a rule: {id:user-0"},
		"everybody has a rule":    {func(a *asked) { a.targeted, a.fresh = always, always }, "rollout after no rule: 100.0 %"},
		"fresh is something else": {func(a *asked) { a.fresh = a.rollout }, "asked again"},
		"one variant for all":     {func(a *asked) { a.abc = func(int, int) string { return "A" } }, " %, and not "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := floorFlags(t)
			test.change(&a)
			require.ErrorContains(t, shares(a), test.want)
		})
	}
}
