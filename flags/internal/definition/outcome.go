package definition

// Reason is why an evaluation has given what it has, in OpenFeature's words.
type Reason uint8

// The reasons.
const (
	Static         Reason = iota + 1 // there is no targeting
	Default                          // the targeting has no answer
	TargetingMatch                   // the targeting names a variant
	Split                            // and a fractional in it has chosen
	Disabled                         // by its state, or killed
	Error                            // see Code
)

// String is OpenFeature's name of it.
func (r Reason) String() string {
	return named(int(r), "", "STATIC", "DEFAULT", "TARGETING_MATCH", "SPLIT", "DISABLED", "ERROR")
}

// Code is why an evaluation has failed, in OpenFeature's words.
type Code uint8

// The codes. An evaluation gives General, ParseError and, if there is no flag,
// FlagNotFound; the others are for who makes the scope and knows the type.
const (
	General Code = iota + 1 // the targeting names no variant
	ParseError
	TypeMismatch
	TargetingKeyMissing
	FlagNotFound
)

// String is OpenFeature's name of it; "" of none.
func (c Code) String() string {
	return named(int(c), "", "GENERAL", "PARSE_ERROR", "TYPE_MISMATCH", "TARGETING_KEY_MISSING", "FLAG_NOT_FOUND")
}

func named(i int, names ...string) string {
	if i < len(names) {
		return names[i]
	}
	return "UNKNOWN"
}

// Outcome is what an evaluation gives. Variant -1 is the caller's default. It is of three
// fields and four words, so that it travels in registers.
type Outcome struct {
	Variant int
	Rule    string // "targeting.if[1]", "killed", "x-prerequisites[0]"; "" if none
	Why
}

// Why is why.
type Why struct {
	Reason  Reason
	Code    Code // 0 unless Reason is Error
	Skipped bool // a rollout had no key to go by
}

// Instead is the outcome in which the caller's default has to do.
func Instead(reason Reason, code Code, rule string) Outcome {
	return Outcome{Variant: -1, Rule: rule, Why: Why{Reason: reason, Code: code}}
}
