package rollout

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/handover-go/handover/flags/internal/tree"
)

// Plan is what x-ramp says: {"steps": [5, 20, 50, 100], "bake": "10m", "start": "2027-03-01T09:00:00Z"}.
type Plan struct {
	Steps []float64     // percentages, ascending; never empty
	Bake  time.Duration // at each step
	Start time.Time     // not before; zero if it is not said
}

// DefaultBake is the time at a step if nothing else is said.
const DefaultBake = 10 * time.Minute

const maxSteps = 100

// PlanOf reads an x-ramp. The paths of the mistakes begin with this one.
func PlanOf(xramp *tree.Node, path string) (Plan, []tree.Mistake) {
	r := &reader{plan: Plan{Bake: DefaultBake}, path: path}
	if xramp.Kind != tree.Object {
		r.wrong(xramp, path, "is "+xramp.Kind.String(), `an object: {"steps": [5, 20, 50, 100], "bake": "10m"}`)
		return Plan{}, r.mistakes
	}
	if xramp.Get("steps") == nil {
		r.wrong(xramp, path, "has no steps", `"steps": [5, 20, 50, 100]`)
	}
	known := []string{"steps", "bake", "start"}
	for _, m := range xramp.Members {
		at := tree.Join(path, m.Name)
		switch m.Name {
		case "steps":
			r.steps(m.Value, at)
		case "bake":
			r.bake(m.Value, at)
		case "start":
			r.start(m.Value, at)
		default:
			if instead := tree.Nearest(m.Name, known); instead != "" {
				r.wrong(m.Value, at, "is unknown", tree.Quote(instead))
			} else if !strings.HasPrefix(m.Name, "x-") {
				r.wrong(m.Value, at, "is unknown", `"steps", "bake" or "start"`)
			}
		}
	}
	return r.plan, r.mistakes
}

// WrongSteps says what is wrong with them, and what instead; nothing if they are right.
func WrongSteps(steps []float64) (problem, instead string) {
	if len(steps) == 0 || len(steps) > maxSteps {
		return fmt.Sprintf("has %d steps", len(steps)), fmt.Sprintf("1 to %d of them: [5, 20, 50, 100]", maxSteps)
	}
	last := 0.0
	for _, s := range steps {
		switch {
		case !(s > 0 && s <= 100): // NaN is neither
			return fmt.Sprintf("has a step of %v %%", s), "more than 0, and 100 at the most"
		case s <= last:
			return fmt.Sprintf("has %v after %v", s, last), "steps that ascend"
		case math.Abs(s*1000-math.Round(s*1000)) > 1e-6:
			return fmt.Sprintf("has a step of %v %%", s), "three decimals at the most"
		}
		last = s
	}
	return "", ""
}

// At is the share at a time, of a plan with a start that nobody leads; and when there is
// another one, zero if there is none any more.
func (p Plan) At(now time.Time) (share float64, next time.Time) {
	if len(p.Steps) == 0 || now.Before(p.Start) {
		return 0, p.Start
	}
	past := now.Sub(p.Start) // or the longest there is
	i := int(min(past/p.Bake, time.Duration(len(p.Steps)-1)))
	if i < len(p.Steps)-1 {
		next = p.Start.Add(time.Duration(i+1) * p.Bake)
	}
	return p.Steps[i], next
}

type reader struct {
	plan     Plan
	path     string
	mistakes []tree.Mistake
}

func (r *reader) wrong(n *tree.Node, path, problem, instead string) {
	r.mistakes = append(r.mistakes, tree.Mistake{Path: path, Line: n.Line, Column: n.Column, Problem: problem, Instead: instead})
}

func (r *reader) steps(n *tree.Node, path string) {
	if n.Kind != tree.Array || slices.ContainsFunc(n.Items, func(i *tree.Node) bool { return i.Kind != tree.Number }) {
		r.wrong(n, path, "is no list of percentages", "[5, 20, 50, 100]")
		return
	}
	for _, item := range n.Items {
		r.plan.Steps = append(r.plan.Steps, item.Number)
	}
	if problem, instead := WrongSteps(r.plan.Steps); problem != "" {
		r.wrong(n, path, problem, instead)
	}
}

func (r *reader) bake(n *tree.Node, path string) {
	d, err := time.ParseDuration(n.Text)
	if n.Kind != tree.String || err != nil || d <= 0 || d > 365*24*time.Hour {
		r.wrong(n, path, "is no time to bake", `"10m", "1h30m"; more than none, a year at the most`)
		return
	}
	r.plan.Bake = d
}

func (r *reader) start(n *tree.Node, path string) {
	t, err := time.Parse(time.RFC3339, n.Text)
	if n.Kind != tree.String || err != nil {
		r.wrong(n, path, "is no time", `"2027-03-01T09:00:00Z"`)
		return
	}
	r.plan.Start = t
}
