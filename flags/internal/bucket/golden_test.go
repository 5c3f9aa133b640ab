package bucket_test

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags/internal/bucket"
)

// golden reads what the script of the same name has printed: flag, user, numbers.
func golden(t *testing.T, file string, lines, numbers int, each func(flag, user string, want []uint32)) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	all := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	require.Len(t, all, lines)
	for _, line := range all {
		fields := strings.Split(line, "\t")
		require.Len(t, fields, 2+numbers, line)
		var want []uint32
		for _, field := range fields[2:] {
			number, err := strconv.ParseUint(field, 10, 32)
			require.NoError(t, err, line)
			want = append(want, uint32(number))
		}
		each(fields[0], fields[1], want)
	}
}

func TestMD5IsWhatTheShellSays(t *testing.T) {
	golden(t, "md5-100.golden", 200, 2, func(flag, user string, want []uint32) {
		modulo, p := want[0], want[1]
		require.Equal(t, modulo, bucket.MD5.Place(flag, user, 100), "%q, %q: x mod 100", flag, user)
		require.Equal(t, p, bucket.MD5.Place(flag, user, 100_000), "%q, %q: p", flag, user)

		// And so it is for a percentage with a fraction: p < percentage*1000.
		for _, thousandths := range []uint32{1, 100, 500, 12_500, 33_333, 99_999} {
			require.Equal(t, p < thousandths, bucket.MD5.Place(flag, user, 100_000) < thousandths)
		}
	})
}

func TestV1IsWhatTheShellSays(t *testing.T) {
	golden(t, "v1.golden", 50, 3, func(flag, user string, want []uint32) {
		for i, total := range []uint32{100, 100_000, math.MaxUint32} {
			require.Equal(t, want[i], bucket.V1.Place(flag, user, total), "%q, %q of %d", flag, user, total)
		}
	})
}

// Published vectors of murmur3-32 with seed 0. Of 2³²-1 parts the place is the hash, or
// one less.
func TestFlagdV2IsMurmur3(t *testing.T) {
	for text, hash := range map[string]uint32{
		"":              0,
		"test":          0xba6bd213,
		"hello":         0x248bfa47,
		"hello, world":  0x149bbb7f,
		"Hello, world!": 0xc0363e43,
		"The quick brown fox jumps over the lazy dog": 0x2e4ff723,
	} {
		want := hash - min(hash, 1)
		for i := range len(text) + 1 {
			require.Equal(t, want, bucket.FlagdV2.Place(text[:i], text[i:], math.MaxUint32), "%q and %q", text[:i], text[i:])
		}
		require.EqualValues(t, uint64(hash)*100>>32, bucket.FlagdV2.Place("", text, 100))
	}
}
