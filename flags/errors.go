package flags

import (
	"errors"
	"fmt"
	"strings"

	"github.com/handover-go/handover/flags/internal/tree"
)

// ErrOlder is of a document with a lower revision than the one in force: see Client.Check.
var ErrOlder = errors.New("it is older than what is in force")

// ErrShrunk is of a document with less than half the flags of the one in force.
var ErrShrunk = errors.New("it has less than half the flags of what is in force; if that is meant, set AllowShrink")

// ErrMoves is of a document that moves more subjects than Config.MaxMovement.
var ErrMoves = errors.New("so many at once are a mistake more often than a wish; if that is meant, do it in steps, or set MaxMovement")

// DocumentError says all that is wrong with a document. The set in force stays.
type DocumentError struct{ Mistakes []Mistake }

// Mistake is one thing that is wrong.
type Mistake struct {
	Path         string // flags.new-checkout-flow.targeting.if[1]
	Line, Column int    // from 1; 0 if it is of no one place
	Problem      string // names no variant: "onn"
	Instead      string // what would be right; may be empty
}

// Error lists all mistakes, one a line if there are several.
func (e *DocumentError) Error() string {
	lines := make([]string, len(e.Mistakes))
	for i, m := range e.Mistakes {
		lines[i] = m.String()
	}
	if len(lines) == 1 {
		return lines[0]
	}
	return fmt.Sprintf("%d mistakes:\n\t%s", len(lines), strings.Join(lines, "\n\t"))
}

// String is the mistake in a line, as compilers write theirs.
func (m Mistake) String() string {
	return tree.Mistake{Path: m.Path, Line: m.Line, Column: m.Column, Problem: m.Problem, Instead: m.Instead}.String()
}

func documentError(mistakes []tree.Mistake) *DocumentError {
	e := &DocumentError{}
	for _, m := range mistakes {
		e.Mistakes = append(e.Mistakes, Mistake{Path: m.Path, Line: m.Line, Column: m.Column, Problem: m.Problem, Instead: m.Instead})
	}
	return e
}
