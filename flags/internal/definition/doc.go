// Package definition reads flagd's flag definitions and compiles them.
//
// A document becomes a [Set] once, when it is loaded; from then on an evaluation
// follows pointers. It answers in this order:
//
//	killed           the caller's default   DISABLED
//	disabled         the caller's default   DISABLED
//	broken           the caller's default   ERROR
//	x-prerequisites  the caller's default   DEFAULT, unless all of them hold
//	no targeting     the default variant    STATIC
//	targeting        the variant it names   TARGETING_MATCH or SPLIT
//	  names null     the default variant    DEFAULT
//	  names none     the caller's default   ERROR
//
// The invariant: a flag that is wrong gives its caller's default, and never a variant
// that nobody has named. So flagd's own leniency (it takes "ENABLD" for enabled) is
// had only by who asks for it, and everybody else is told each mistake, with its line.
//
// The format is https://flagd.dev/schema/v0/flags.json. Beyond it there are
// x-prerequisites, which other readers ignore, and two names in the metadata: which
// bucketing a set has, and the seed of a flag that shares its buckets with another.
package definition
