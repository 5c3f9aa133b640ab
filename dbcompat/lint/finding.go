package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Finding is one mistake at one place.
type Finding struct {
	Rule string `json:"rule"`           // Rule.Name, by which it can be allowed
	File string `json:"file,omitempty"` // Config.Name
	// Line and Column count from 1; a column is a character, not a byte.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Statement is the text it is in, without the semicolon.
	Statement string `json:"statement"`
	// Problem says what would happen, with the names of the statement.
	Problem string `json:"problem"`
	// Remedy says what to do instead.
	Remedy string `json:"remedy"`
	// Plan is SQL for review, or "". It is a draft: an ellipsis is for people to
	// fill in, and each statement is for a transaction of its own.
	Plan string `json:"plan,omitempty"`

	at int
}

// String is one line, as compilers write it.
func (f Finding) String() string {
	file := f.File
	if file == "" {
		file = "-"
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s; %s", file, f.Line, f.Column, f.Rule, f.Problem, f.Remedy)
}

func (f *Finding) place(src string, at int) {
	f.at = min(max(at, 0), len(src))
	before := src[:f.at]
	f.Line = strings.Count(before, "\n") + 1
	f.Column = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

func order(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(a.at, b.at) })
}
