package lifecycle

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Report is how an app went. It prints as a table and marshals to JSON, in which
// durations are seconds and errors are text. That text, and the stacks, are for
// those who run the program and not for a public endpoint.
type Report struct {
	State State // of the app
	// Cause is why the app ended, or is ending: the context's cause, or the
	// *Error of the component whose Start failed or whose Run returned.
	Cause error
	// Asked is when: the moment from which the budget counts. Took is the time
	// from there to the end of the stop, or to now while it lasts.
	Asked        time.Time
	Took, Budget time.Duration // Budget is Plan.Budget
	// Components are in the order in which they stop, bottom up.
	Components []ComponentReport
}

// ComponentReport is one component's part of a Report.
type ComponentReport struct {
	Component           string // the name
	Place               int    // position in the list, from 1
	State               State
	Outcome             Outcome       // OutcomeNone until it is over
	StartTook, StopTook time.Duration // of what is over; else 0
	Err                 error         // an *Error, or several joined
	Stack               string        // where it panicked or hung; else empty
}

// Report says how the app goes, at any time; after Run it is complete.
func (a *App) Report() Report {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := Report{State: a.state, Cause: a.cause, Asked: a.asked, Budget: a.plan.Budget()}
	switch {
	case !a.ended.IsZero():
		r.Took = a.ended.Sub(a.asked)
	case !a.asked.IsZero():
		r.Took = time.Since(a.asked)
	}
	for i, p := range slices.Backward(a.places) {
		for _, c := range p {
			r.Components = append(r.Components, ComponentReport{
				Component: c.Name, Place: i + 1, State: c.state, Outcome: c.outcome,
				StartTook: c.startTook, StopTook: c.stopTook, Err: c.err(), Stack: c.stack,
			})
		}
	}
	return r
}

// String is a headline, a table with a line for each component, and the stacks
// of those that panicked or hung.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprint(&b, r.State)
	if r.Cause != nil {
		fmt.Fprintf(&b, ", %v of %v: %v", short(r.Took), r.Budget, r.Cause)
	}
	rows := [][]string{{"place", "component", "state", "outcome", "start", "stop", "error"}}
	for _, c := range r.Components {
		rows = append(rows, []string{
			fmt.Sprint(c.Place), c.Component, c.State.String(), c.Outcome.String(),
			short(c.StartTook).String(), short(c.StopTook).String(), strings.ReplaceAll(text(c.Err), "\n", "; "),
		})
	}
	b.WriteString("\n" + table(rows))
	for _, c := range r.Components {
		if c.Stack != "" {
			fmt.Fprintf(&b, "\n\n%s: %s", c.Component, c.Stack)
		}
	}
	return b.String()
}

// MarshalJSON writes {"state", "cause", "asked", "took_seconds",
// "budget_seconds", "components"}.
func (r Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		State      State             `json:"state"`
		Cause      string            `json:"cause,omitempty"`
		Asked      time.Time         `json:"asked,omitzero"`
		Took       float64           `json:"took_seconds"`
		Budget     float64           `json:"budget_seconds"`
		Components []ComponentReport `json:"components"`
	}{r.State, text(r.Cause), r.Asked, r.Took.Seconds(), r.Budget.Seconds(), r.Components})
}

// MarshalJSON writes {"component", "place", "state", "outcome", "start_seconds",
// "stop_seconds", "error", "stack"}; the last two only if there is one.
func (c ComponentReport) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Component string  `json:"component"`
		Place     int     `json:"place"`
		State     State   `json:"state"`
		Outcome   Outcome `json:"outcome"`
		Start     float64 `json:"start_seconds"`
		Stop      float64 `json:"stop_seconds"`
		Error     string  `json:"error,omitempty"`
		Stack     string  `json:"stack,omitempty"`
	}{c.Component, c.Place, c.State, c.Outcome, c.StartTook.Seconds(), c.StopTook.Seconds(), text(c.Err), c.Stack})
}
