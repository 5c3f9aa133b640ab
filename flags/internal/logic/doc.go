// Package logic compiles targeting rules: JSONLogic, with flagd's operators.
//
//	load        tree.Node -> Compile -> Rule, mistakes, the literals it can give
//	evaluation  Rule(Scope) -> Value: what, which literal gave it, by a rollout or not
//
// The invariant: a rule always answers, and soon. What cannot be computed is null, and
// null opens nothing: a rollout without a key to go by gives null, too. A rule has at
// most 10,000 operations and 100,000 literals, its $refs put in; one that loops over
// the caller's lists stops after 100,000 steps or 1 MiB of text, and is null.
//
// Where implementations of JSONLogic differ, the reference at jsonlogic.com decides,
// and flagd's schema decides how many arguments there are. So var in map, filter, all,
// some and none sees the element and nothing else but $flagd; lists and objects equal
// nothing; a number that is none (0/0) is equal to nothing, and null as a result. What
// differs from the reference, as in flagd: "-" and "/" take any number of arguments, +
// and max and their like take a computed list for their arguments; from flagd's own
// engine: cat keeps outer spaces, and a rollout by a cat whose variables are all
// missing has no key: it would put everybody without an account into one bucket.
//
// Values of attributes are strings, booleans, numbers of any type, json.Number,
// time.Time (seconds since 1970, as $flagd.timestamp), lists and maps with string
// keys. Others are null. Whole numbers above 2^53 are rounded, as everywhere in JSON:
// give ids as strings.
package logic
