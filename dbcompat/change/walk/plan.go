package walk

import (
	"context"
	"fmt"
	"strings"

	"github.com/handover-go/handover/dbcompat"
)

// Plan is what could come next, as things are at the moment.
type Plan struct {
	State State  `json:"state"` // before them
	Steps []Step `json:"steps"` // forward and back, ready or not; none if it is over
}

// Step is one of the next steps.
type Step struct {
	Verb     string         `json:"verb"` // advance, roll back, hide, show, drop
	From     dbcompat.Stage `json:"from"`
	To       dbcompat.Stage `json:"to,omitempty"`      // 0 if it is no move
	Means    string         `json:"means"`             // for the program, in a line
	SQL      []string       `json:"sql"`               // that makes it, but for its event
	Ready    bool           `json:"ready"`             // nothing is missing
	Missing  []Missing      `json:"missing,omitempty"` // all that is
	Evidence Evidence       `json:"evidence,omitzero"` // of a move
}

// Plan judges the steps that could come next, and changes nothing. What it says may have
// changed when a step is made, which is judged again then.
func (w *Walk) Plan(ctx context.Context) (p Plan, err error) {
	err = w.call("plan", func() error {
		if p.State, err = w.State(ctx); err != nil {
			return err
		}
		v, err := w.judge(ctx, w.pool, p.State) // no locks: it is a look
		if err != nil {
			return err
		}
		for _, move := range moves(p.State) {
			step, err := w.plan(ctx, p.State, move, v)
			if err != nil {
				return err
			}
			p.Steps = append(p.Steps, step)
		}
		more, err := w.planContract(ctx, p.State, v)
		p.Steps = append(p.Steps, more...)
		return err
	})
	return p, err
}

// moves are those to the neighbours.
func moves(s State) []Step {
	var all []Step
	for _, m := range []Step{
		{Verb: "advance", From: dbcompat.Old, To: dbcompat.DualWrite, Means: "writes set both columns, reads believe old"},
		{Verb: "advance", From: dbcompat.DualWrite, To: dbcompat.ReadNew, Means: "writes set both columns, reads believe new"},
		{Verb: "advance", From: dbcompat.ReadNew, To: dbcompat.New, Means: "old is left alone"},
		{Verb: "roll back", From: dbcompat.New, To: dbcompat.ReadNew, Means: "writes set both columns again; old is to be filled from new"},
		{Verb: "roll back", From: dbcompat.ReadNew, To: dbcompat.DualWrite, Means: "reads believe old again"},
		{Verb: "roll back", From: dbcompat.DualWrite, To: dbcompat.Old, Means: "new is left alone, and no verification of it counts any more"},
	} {
		if m.From == s.Stage && s.Hidden.IsZero() {
			all = append(all, m)
		}
	}
	return all
}

func (w *Walk) plan(ctx context.Context, s State, step Step, v verdict) (Step, error) {
	known, err := w.know(ctx, s, step.To)
	if err != nil {
		return step, err
	}
	s, missing := after(s, v)
	more, err := w.missing(ctx, w.pool, s, step.To, &known)
	if err != nil {
		return step, err
	}
	if s.Settled.IsZero() { // which missing says better
		more = more[1:]
	}
	step.Missing, step.Evidence = append(missing, more...), known
	step.SQL = []string{fmt.Sprintf("UPDATE %s.changes SET stage = %d, epoch = epoch + 1 WHERE name = '%s'", w.schema(), step.To, strings.ReplaceAll(s.Name, "'", "''"))}
	step.Ready = len(step.Missing) == 0
	return step, nil
}

// after is the state as settling would leave it.
func after(s State, v verdict) (State, []Missing) {
	if len(v.missing) > 0 {
		return s, v.missing
	}
	gone := map[string]bool{}
	for _, i := range v.gone {
		gone[i.ID] = true
	}
	var left []Instance
	for _, i := range s.Instances {
		if !gone[i.ID] {
			left = append(left, i)
		}
	}
	s.Instances = left
	if s.Settled.IsZero() {
		s.Settled = s.Now
	}
	return s, nil
}

func (w *Walk) planContract(ctx context.Context, s State, v verdict) ([]Step, error) {
	if s.Stage != dbcompat.New || !s.Dropped.IsZero() {
		return nil, nil
	}
	s, missing := after(s, v)
	if s.Hidden.IsZero() {
		refers, err := w.references(ctx, s.Columns.Table, s.Columns.Old, survives)
		return []Step{contracts(s, "hide", "whoever still names an old column gets an error", hiding(s), missing, contractible(s), refers)}, err
	}
	refers, err := w.references(ctx, s.Columns.Table, hidden(s), nil)
	return []Step{
		contracts(s, "show", "the old columns have their names again", showing(s)),
		contracts(s, "drop", "the old columns are gone, for good", dropping(s), missing, contractible(s), w.loud(s), refers),
	}, err
}

func contracts(s State, verb, means string, sql []string, missing ...[]Missing) Step {
	step := Step{Verb: verb, From: s.Stage, Means: means, SQL: sql}
	for _, m := range missing {
		step.Missing = append(step.Missing, m...)
	}
	step.Ready = len(step.Missing) == 0
	return step
}

// String is for a person who has to decide.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is at %s, epoch %d\n", p.State.Name, p.State.Stage, p.State.Epoch)
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%s", s.Verb)
		if s.To != 0 {
			fmt.Fprintf(&b, " to %s", s.To)
		}
		fmt.Fprintf(&b, ": %s\n", s.Means)
		for _, sql := range s.SQL {
			fmt.Fprintf(&b, "   sql   %s\n", sql)
		}
		for _, m := range s.Missing {
			fmt.Fprintf(&b, "   not   %s\n", m)
		}
		if s.Ready {
			b.WriteString("   now   it can be done\n")
		}
	}
	return b.String()
}
