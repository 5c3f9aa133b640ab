package logic

import (
	"math"
	"strconv"
	"strings"
)

type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	object
)

// Value is what an expression gives. It does not allocate, and it fits into the
// registers in which a function returns: ten words.
type Value struct {
	kind   kind
	number float64 // of a boolean: 0 or 1
	text   string
	many   any // a list or an object, as the caller gave it, or a []Value or a *textList

	Rule    string // path of the literal that gave it, as in "targeting.if[1]"; "" if computed
	Split   bool   // an arm of a fractional gave it
	Skipped bool   // a fractional on the way had no key to choose by, and gave null
}

// IsNull reports whether there is no value.
func (v Value) IsNull() bool { return v.kind == null }

// Truthy is what if, and, or, ! make of it: null, false, 0, "" and the empty list are
// false, all else is true ("0" and {} as well).
func (v Value) Truthy() bool {
	switch v.kind {
	case boolean, number:
		return v.number != 0 && !math.IsNaN(v.number)
	case text:
		return v.text != ""
	case list:
		return v.length() > 0
	default:
		return v.kind == object
	}
}

// Text is the name of the variant that it stands for: booleans are "true" and "false",
// numbers have their shortest form, lists are joined by commas, null is "".
func (v Value) Text() string {
	switch v.kind {
	case text:
		return v.text
	case boolean:
		return strconv.FormatBool(v.number != 0)
	case null:
		return ""
	default:
		return string(v.appendText(nil, 0))
	}
}

// Interface is the value as encoding/json would give it; what the caller gave is as it was.
func (v Value) Interface() any {
	switch v.kind {
	case boolean:
		return v.number != 0
	case number:
		return v.number
	case text:
		return v.text
	}
	switch v.many.(type) {
	case []Value, *textList:
	default:
		return v.many
	}
	all := make([]any, v.length())
	for i := range all {
		all[i] = v.at(i).Interface()
	}
	return all
}

const (
	maxText  = 1 << 20 // bytes that a computed text may have
	maxJoins = 8       // how deep a list is written into a text: it may contain itself
)

// appendText stops above maxText.
func (v Value) appendText(b []byte, depth int) []byte {
	switch v.kind {
	case text:
		return append(b, v.text...)
	case boolean:
		return strconv.AppendBool(b, v.number != 0)
	case number:
		return appendNumber(b, v.number)
	case object:
		return append(b, "[object Object]"...) // as JavaScript does; it is of use to nobody
	}
	for i := range v.length() {
		if i > 0 {
			b = append(b, ',')
		}
		if depth < maxJoins && len(b) <= maxText {
			b = v.at(i).appendText(b, depth+1)
		}
		if len(b) > maxText {
			break
		}
	}
	return b
}

func appendNumber(b []byte, f float64) []byte {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f+0, 'f', -1, 64) // 0 is added because -0 is 0
}

// toNumber is JavaScript's Number(v), but NaN for lists.
func (v Value) toNumber() float64 {
	switch v.kind {
	case null:
		return 0
	case boolean, number:
		return v.number
	case text:
		return parseNumber(v.text)
	default:
		return math.NaN()
	}
}

// parseNumber looks before it parses: an error of strconv would be allocated, and a
// country that is compared with a number is not worth that.
func parseNumber(s string) float64 {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0
	}
	if !isNumber(s) {
		return math.NaN()
	}
	f, _ := strconv.ParseFloat(s, 64) // its only error left is too large, with an infinity
	return f
}

func isNumber(s string) bool {
	mantissa, exponent, scientific := s, "0", false
	if at := strings.IndexAny(s, "eE"); at >= 0 {
		mantissa, exponent, scientific = s[:at], s[at+1:], true
	}
	whole, fraction, _ := strings.Cut(unsigned(mantissa), ".")
	if whole == "" && fraction == "" || !isDigits(whole) || !isDigits(fraction) {
		return false
	}
	exponent = unsigned(exponent)
	return !scientific || exponent != "" && isDigits(exponent)
}

func unsigned(s string) string {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:]
	}
	return s
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// settled makes null of what is no number to anybody else: JSON has no NaN.
func (v Value) settled() Value {
	if v.kind == number && v.number-v.number != 0 { // NaN and the infinities
		return Value{Skipped: v.Skipped}
	}
	return v
}

func truth(is, skipped bool) Value {
	v := Value{kind: boolean, Skipped: skipped}
	if is {
		v.number = 1
	}
	return v
}
