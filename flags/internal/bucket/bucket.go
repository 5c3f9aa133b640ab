package bucket

import (
	"encoding/binary"
	"math/bits"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/murmur3"
)

// Algorithm is how it is decided. A set of flags names it, so that it never changes
// with the version of a library (open-feature/flagd#1909: "assignments will change").
type Algorithm uint8

// The algorithms. The zero is none.
const (
	_ Algorithm = iota

	// FlagdV2 is what flagd does since core v0.15: (h*total) >> 32, where h is
	// murmur3-32 with seed 0 of the bytes of salt and key, one after the other. With a
	// bucketing expression of the flag's own, flagd hashes its value alone: give that
	// as key, and no salt.
	FlagdV2

	// V1 is our own: the upper 64 bits of the 128 of h*total, where h is XXH64 with
	// seed 0 of these bytes:
	//
	//	8      length of salt in bytes, big-endian
	//	n      salt
	//	8      length of key in bytes, big-endian
	//	m      key
	V1

	// MD5 is for agreeing with what asks MD5(flag + user) mod 100 < percentage in
	// another language. x is the MD5 of the bytes of salt and key, read as one
	// big-endian number, and the place is p*total/100000, rounded down, where
	//
	//	p = (x mod 100)*1000 + (x div 100) mod 1000
	//
	// Of 100 parts that is x mod 100. Finer ones divide these: x mod 100000 would have
	// agreed with nobody. It has no security purpose.
	MD5
)

// stack is how long salt and key may be together before they cost an allocation.
const stack = 200

// short is what most are. A buffer is cleared before it is used, and that costs.
const short = 48

// Named is the algorithm with this name: flagd-v2, v1, md5-100.
func Named(name string) (Algorithm, bool) {
	for a := FlagdV2; a <= MD5; a++ {
		if a.String() == name {
			return a, true
		}
	}
	return 0, false
}

// String is the name that a set's metadata has for it, and what no set can say for
// others, as in Algorithm(0).
func (a Algorithm) String() string {
	switch a {
	case FlagdV2:
		return "flagd-v2"
	case V1:
		return "v1"
	case MD5:
		return "md5-100"
	}
	return "Algorithm(" + strconv.Itoa(int(a)) + ")"
}

// Place is where a key falls, of total parts: from 0 to total-1; 0 if total is 0. salt
// is the flag's key or its seed. It does not allocate for a salt and a key of together up to 200 bytes.
//
// What is none of the algorithms puts everybody into the last part, which a rollout
// reaches last.
func (a Algorithm) Place(salt, key string, total uint32) uint32 {
	if total == 0 {
		return 0
	}
	switch a {
	case FlagdV2:
		return uint32(uint64(flagdV2(salt, key)) * uint64(total) >> 32)
	case V1:
		hi, _ := bits.Mul64(v1(salt, key), uint64(total))
		return uint32(hi)
	case MD5:
		return uint32(uint64(md5Of100000(salt, key)) * uint64(total) / 100_000)
	}
	return total - 1
}

func flagdV2(salt, key string) uint32 {
	if salt == "" {
		return murmur3.StringSum32(key)
	}
	if len(salt)+len(key) <= short {
		var buf [short]byte
		return murmur3.Sum32(append(append(buf[:0], salt...), key...))
	}
	var buf [stack]byte
	return murmur3.Sum32(append(append(buf[:0], salt...), key...))
}

func v1(salt, key string) uint64 {
	if len(salt)+len(key) <= short {
		var buf [8 + 8 + short]byte
		return xxhash.Sum64(prefixed(prefixed(buf[:0], salt), key))
	}
	var buf [8 + 8 + stack]byte
	return xxhash.Sum64(prefixed(prefixed(buf[:0], salt), key))
}

func prefixed(to []byte, part string) []byte {
	return append(binary.BigEndian.AppendUint64(to, uint64(len(part))), part...)
}
