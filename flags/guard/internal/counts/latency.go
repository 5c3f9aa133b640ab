package counts

import (
	"math/bits"
	"time"
)

// Buckets is how many there are: one below 8 µs, and four for each doubling up to 134 s.
const Buckets = 1 + 24*4

// Bucket is where a duration belongs; one of 134 s or more is in the last.
func Bucket(d time.Duration) int {
	us := uint64(max(0, d.Microseconds()))
	if us < 8 {
		return 0
	}
	e := bits.Len64(us) - 1 // us is 2^e and something
	return min(1+(e-3)*4+int(us>>(e-2)&3), Buckets-1)
}

// Quantile is the middle of the bucket in which a share of all durations has come
// together; 0 of none.
func Quantile(buckets *[Buckets]uint64, all uint64, share float64) time.Duration {
	if all == 0 {
		return 0
	}
	var sum uint64
	for i, n := range buckets {
		if sum += n; n > 0 && float64(sum) >= share*float64(all) {
			return middle(i)
		}
	}
	return 0
}

func middle(bucket int) time.Duration {
	if bucket == 0 {
		return 4 * time.Microsecond
	}
	e, quarter := (bucket-1)/4+3, (bucket-1)%4
	from, width := (4+quarter)<<(e-2), 1<<(e-2)
	return time.Duration(from)*time.Microsecond + time.Duration(width)*time.Microsecond/2
}
