package bucket_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/flags/internal/bucket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var algorithms = []bucket.Algorithm{bucket.FlagdV2, bucket.V1, bucket.MD5}

func TestNames(t *testing.T) {
	for name, want := range map[string]bucket.Algorithm{
		"flagd-v2": bucket.FlagdV2,
		"v1":       bucket.V1,
		"md5-100":  bucket.MD5,
	} {
		a, ok := bucket.Named(name)
		require.True(t, ok, name)
		require.Equal(t, want, a)
		require.Equal(t, name, a.String())
	}
	for _, name := range []string{"", "v2", "V1", " v1", "md5", "Algorithm(0)", "Algorithm(4)"} {
		a, ok := bucket.Named(name)
		require.False(t, ok, name)
		require.Zero(t, a)
	}
	require.Equal(t, "Algorithm(0)", bucket.Algorithm(0).String())
	require.Equal(t, "Algorithm(255)", bucket.Algorithm(255).String())
}

func TestTheEndsOfTheCircle(t *testing.T) {
	for _, a := range algorithms {
		require.Zero(t, a.Place("flag", "user", 0), a)
		require.Zero(t, a.Place("flag", "user", 1), a)
		require.NotPanics(t, func() { a.Place("", "", math.MaxUint32) }, a)
	}
	for _, a := range []bucket.Algorithm{0, 4, 255} {
		require.Zero(t, a.Place("flag", "user", 0))
		require.EqualValues(t, 99, a.Place("flag", "user", 100), "no algorithm: in no rollout but a whole one")
	}
}

func TestWhereThePartsMeet(t *testing.T) {
	same := map[bucket.Algorithm]bool{
		bucket.FlagdV2: true, // as flagd
		bucket.V1:      false,
		bucket.MD5:     true, // as the formula
	}
	for _, a := range algorithms {
		require.Equal(t, same[a], a.Place("tier", "1n", math.MaxUint32) == a.Place("tier1", "n", math.MaxUint32), a)
		require.Equal(t, same[a], a.Place("", "tier1n", math.MaxUint32) == a.Place("tier1n", "", math.MaxUint32), a)
	}
}

// The stack has room for 200 bytes; what is longer is as right, and costs an allocation.
func TestAllocations(t *testing.T) {
	for _, a := range algorithms {
		for _, salt := range []int{0, 1, 18, 100, 200} {
			salt, key := strings.Repeat("s", salt), strings.Repeat("k", 200-salt)
			require.Zero(t, testing.AllocsPerRun(100, func() { a.Place(salt, key, 100) }), "%s, salt of %d", a, len(salt))
		}
		long := strings.Repeat("s", 1<<16)
		require.NotPanics(t, func() { a.Place(long, long, 100) }, a)
	}
}

func FuzzPlace(f *testing.F) {
	f.Add("new-checkout-flow", "42", uint32(100), uint32(10), uint32(25))
	f.Add("", "", uint32(math.MaxUint32), uint32(1), uint32(0))
	f.Add("größe", strings.Repeat("7", 300), uint32(1000), uint32(100), uint32(999))
	f.Fuzz(func(t *testing.T, salt, key string, total, times, weight uint32) {
		for a := range bucket.MD5 + 2 {
			place := a.Place(salt, key, total)
			if total == 0 {
				require.Zero(t, place, a)
				continue
			}
			require.Less(t, place, total, a)
			require.Equal(t, place, a.Place(salt, key, total), "%s: asked again", a)
			if times == 0 || uint64(total)*uint64(times) > math.MaxUint32 || a == 0 || a > bucket.MD5 {
				continue
			}
			finer := a.Place(salt, key, total*times)
			require.Equal(t, place, finer/times, "%s: %d parts, and %d", a, total, total*times)
			weight := uint32(uint64(weight) % (uint64(total) + 1))
			require.Equal(t, place < weight, uint64(finer) < uint64(weight)*uint64(times), "%s: the same share of %d and of %d", a, total, total*times)
		}
	})
}

func BenchmarkPlace(b *testing.B) {
	var keys [1024]string
	for i := range keys {
		keys[i] = fmt.Sprintf("user-%d", i)
	}
	for _, a := range algorithms {
		b.Run(a.String(), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				a.Place("new-checkout-flow", keys[i%len(keys)], 100)
				i++
			}
		})
	}
}
