// Package bucket decides where a subject falls: one of total equal parts of a circle.
//
// The parts go to a flag's variants in the order of their weights, so a flag that goes
// from 5 to 20 of 100 keeps whom it has. Three algorithms say where a subject is:
//
//	name       where on the circle                         grain    for
//	flagd-v2   murmur3-32 of salt and key                  2⁻³²     flagd's other readers
//	v1         xxhash64 of salt and key, length-prefixed   2⁻⁶⁴     everything that is only ours
//	md5-100    MD5 of salt and key, mod 100                10⁻⁵     services that know that formula
//
// salt is the flag's key, or its seed. It makes flags independent of one another: who
// has one feature at 25 % is as likely as everybody else to have the next one. CRC-32
// and FNV-1a do not give that, however they are salted (fetlife/rollout#26), which is
// why they are not here.
//
// The invariant: a place depends on algorithm, salt, key and total and on nothing else,
// not on the weights, the process or the version of this library. A total that is a
// multiple of another divides each of its parts, so weights of 5 and 95 may become
// 55 and 945 and take nobody away.
//
// flagd-v2 and md5-100 put nothing between salt and key: user "1n" of flag "tier" and
// user "n" of "tier1" are in one place. That is a part of what they have to agree with.
package bucket
