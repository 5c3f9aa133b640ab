package walk

import (
	"fmt"
	"strings"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change/walk/internal/guard"
)

// Missing is one thing that is in the way of a step, in words for whoever waits for it.
type Missing struct {
	Who  string `json:"who"`  // web-1 4711 (v1.4.2); column display_name
	What string `json:"what"` // is with them
	Do   string `json:"do"`   // what helps
}

// String is the three in a line.
func (m Missing) String() string { return m.Who + " " + m.What + ": " + m.Do }

// NotReadyError is of a step for which something is missing. Nothing has been touched.
type NotReadyError struct {
	Name     string         // of the change
	Verb     string         // settle, advance, roll back, back-fill, hide, show, drop, delete
	From, To dbcompat.Stage // To is 0 if it is no move
	Missing  []Missing      // all that is
	Err      error          // PostgreSQL's, if a lock was not to be had; else nil

	sessions []guard.Session
}

// Error is a line for each thing that is missing.
func (e *NotReadyError) Error() string {
	step := e.From.String()
	if e.To != 0 {
		step += " to " + e.To.String()
	}
	lines := make([]string, len(e.Missing))
	for i, m := range e.Missing {
		lines[i] = m.String()
	}
	return fmt.Sprintf("%s, %s: not yet:\n\t%s", e.Verb, step, strings.Join(lines, "\n\t"))
}

// Unwrap is PostgreSQL's error, or nil.
func (e *NotReadyError) Unwrap() error { return e.Err }

func lacking(lacks []guard.Lack) []Missing {
	missing := make([]Missing, len(lacks))
	for i, l := range lacks {
		missing[i] = Missing(l)
	}
	return missing
}
