package bucket

import (
	"crypto/fips140"
	"crypto/md5"
	"encoding/binary"
	"math/bits"
)

// md5Of100000 is the p of [MD5]. 100 and 1000 divide 100000, so one remainder has all
// that is needed of x.
func md5Of100000(salt, key string) uint32 {
	sum := md5Sum(salt, key)
	x := bits.Rem64(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:]), 100_000)
	return uint32(x%100*1000 + x/100)
}

// md5Sum works under GODEBUG=fips140=only as well, where MD5 panics
// (carvel-dev/ytt#1001). What is forbidden is to protect something with it, and here it
// protects nothing. The exception is this goroutine's own and ends with the function;
// where nothing is enforced there is none.
func md5Sum(salt, key string) (sum [md5.Size]byte) {
	var buf [stack]byte
	text := append(append(buf[:0], salt...), key...)
	if !fips140.Enforced() {
		return md5.Sum(text)
	}
	fips140.WithoutEnforcement(func() { sum = md5.Sum(text) })
	return sum
}
