package flags

import (
	"fmt"
	"time"

	"github.com/handover-go/handover/flags/internal/definition"
)

// Detail is a value, and how it came about.
type Detail[T any] struct {
	Value T // what Value returns
	Evaluation
}

// Evaluation is how a value came about.
type Evaluation struct {
	// Variant is the name of the value. It is empty if the value is the default that
	// the flag was declared with.
	Variant string

	Reason Reason
	Code   Code // why, if Reason is ReasonError

	// Rule is the part of the definition that decided: targeting.if[1]; killed;
	// x-prerequisites[0]. It is empty if none did.
	Rule string

	// NoKey says that a rollout was passed over, because the subject had no key to
	// go by. It is never opened by that.
	NoKey bool

	Version string        // of the set: its metadata's, else its revision, else a part of its hash
	Age     time.Duration // how long ago, when it was pinned, the source last stood by the set
}

// Reason is why a value was chosen, in OpenFeature's words and two of our own.
type Reason uint8

// The reasons.
const (
	ReasonStatic         Reason = iota + 1 // there are no rules
	ReasonDefault                          // no rule matched, or there is no default variant
	ReasonTargetingMatch                   // a rule matched
	ReasonSplit                            // a rollout chose
	ReasonDisabled                         // the flag is disabled, or killed
	ReasonError                            // see Code
	ReasonUnpinned                         // nothing is pinned to the context: use Middleware or Pin
	ReasonForced                           // by Flag.With
)

// String is OpenFeature's word for it; UNPINNED and FORCED are ours.
func (r Reason) String() string {
	words := [...]string{"UNKNOWN", "STATIC", "DEFAULT", "TARGETING_MATCH", "SPLIT", "DISABLED", "ERROR", "UNPINNED", "FORCED"}
	if int(r) < len(words) {
		return words[r]
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// Code is what went wrong, in OpenFeature's words.
type Code uint8

// The codes.
const (
	CodeGeneral      Code = iota + 1 // a rule gave no variant of the flag
	CodeParse                        // the definition is wrong, and was let in by Config.Lenient
	CodeTypeMismatch                 // the variant is not of the declared type
	CodeFlagNotFound                 // the set does not know the flag, or New was not told of it
	CodeNotReady                     // there is no set yet
)

// String is OpenFeature's word for it.
func (c Code) String() string {
	words := [...]string{"", "GENERAL", "PARSE_ERROR", "TYPE_MISMATCH", "FLAG_NOT_FOUND", "PROVIDER_NOT_READY"}
	if int(c) < len(words) {
		return words[c]
	}
	return fmt.Sprintf("Code(%d)", uint8(c))
}

func reasonOf(r definition.Reason) Reason {
	switch r {
	case unpinned:
		return ReasonUnpinned
	case forcedBy:
		return ReasonForced
	default:
		return Reason(r) // those of a definition are the first of ours
	}
}

func codeOf(c definition.Code) Code {
	switch c {
	case 0:
		return 0
	case definition.ParseError:
		return CodeParse
	case definition.TypeMismatch:
		return CodeTypeMismatch
	case definition.FlagNotFound:
		return CodeFlagNotFound
	case notReady:
		return CodeNotReady
	default:
		return CodeGeneral
	}
}
