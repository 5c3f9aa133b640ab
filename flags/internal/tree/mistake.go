package tree

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mistake is one thing that is wrong with a document.
type Mistake struct {
	Path         string // flags.new-checkout-flow.targeting.if[1]
	Line, Column int    // from 1; 0 if it is not of one place
	Problem      string // what is wrong: names no variant "onn"
	Instead      string // what would be right: one of "on", "off"
	Broken       bool   // the flag cannot be evaluated: it gives its caller's default
}

// String is the mistake in a line, as compilers write theirs:
//
//	12:25: flags.a.defaultVariant: names no variant "onn"; instead: "on"
func (m Mistake) String() string {
	var b strings.Builder
	if m.Line > 0 {
		fmt.Fprintf(&b, "%d:%d: ", m.Line, m.Column)
	}
	if m.Path != "" {
		b.WriteString(m.Path + ": ")
	}
	b.WriteString(m.Problem)
	if m.Instead != "" {
		b.WriteString("; instead: " + m.Instead)
	}
	return b.String()
}

// clip is how much of a name or a text of the document a mistake repeats. Without it
// a thousand mistakes in a document of 16 MiB are a report of 16 GiB.
const clip = 64

// Quote is a text of the document for a mistake: quoted, without control characters,
// and its beginning only if it is long.
func Quote(text string) string {
	if len(text) <= clip {
		return strconv.Quote(text)
	}
	return strconv.Quote(clipped(text)) + "…"
}

func clipped(text string) string {
	end := clip
	for end > clip-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// Join is the path of a member: flags.a, or flags["a b"] if the name could be
// misread otherwise.
func Join(path, name string) string {
	if name == "" || len(name) > clip || strings.ContainsFunc(name, misread) {
		return path + "[" + Quote(name) + "]"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// misread lets dots through: keys with dots are common, and people search for them.
func misread(r rune) bool {
	return r == ' ' || r == '"' || r == '[' || r == ']' || !unicode.IsGraphic(r)
}

// Index is the path of an item: flags.a.targeting.if[1].
func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
