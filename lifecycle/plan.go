package lifecycle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Plan is what an app will do with its time: Config with the defaults filled in
// and 0 for none, and the latest moments of the stop.
type Plan struct {
	// As in Config, but never negative.
	GracePeriod, Margin, Reserve, StartTimeout time.Duration
	// Places are in the order in which they stop, bottom up.
	Places []PlannedPlace
}

// PlannedPlace is one place of a Plan.
type PlannedPlace struct {
	// Place is the position in the list, from 1; places start in this order.
	Place      int
	Components []string // the names of those that stop side by side
	// Deadline is the latest moment, counted from the signal, at which the place
	// has to be done: when all that stop before it have used up their time.
	Deadline time.Duration
}

// Budget is the time for the whole stop: the grace period less the margin.
func (p Plan) Budget() time.Duration { return p.GracePeriod - p.Margin }

// String is a table with a line for each place, in the order of the stop.
func (p Plan) String() string {
	rows := [][]string{{"place", "components", "stopped by"}}
	for _, place := range p.Places {
		rows = append(rows, []string{fmt.Sprint(place.Place), strings.Join(place.Components, ", "), short(place.Deadline).String()})
	}
	return fmt.Sprintf("stop within %v: grace period %v, margin %v, reserve %v a place\n%s",
		p.Budget(), p.GracePeriod, p.Margin, p.Reserve, table(rows))
}

// Plan checks the list and says what Run would do, without doing anything. It
// returns every mistake there is, joined.
func (a *App) Plan() (Plan, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.planned()
}

func (a *App) planned() (Plan, error) {
	plan := a.cfg.plan()
	if err := a.check(plan); err != nil {
		return Plan{}, err
	}
	var clock time.Duration
	for i, p := range slices.Backward(a.places) {
		deadline := plan.deadline(clock, count(a.places[:i], (*component).canStop))
		clock = min(deadline, clock+p.longest(deadline))
		plan.Places = append(plan.Places, PlannedPlace{Place: i + 1, Components: p.names(), Deadline: clock})
	}
	return plan, nil
}

// plan fills in the defaults.
func (c Config) plan() Plan {
	grace := cmp.Or(c.GracePeriod, 30*time.Second)
	return Plan{
		GracePeriod:  grace,
		Margin:       max(0, cmp.Or(c.Margin, min(2*time.Second, grace/5))),
		Reserve:      max(0, cmp.Or(c.Reserve, time.Second)),
		StartTimeout: max(0, cmp.Or(c.StartTimeout, time.Minute)),
	}
}

// deadline is when a place has to be done whose turn it is now, if there are so
// many places below it. Both times count from the signal.
func (p Plan) deadline(now time.Duration, below int) time.Duration {
	left := max(0, p.Budget()-now)
	return p.Budget() - min(p.Reserve*time.Duration(below), left/2)
}

// longest is the most time that a place can use: that of its slowest component,
// which is all there is, unless a stop time-out caps it.
func (p place) longest(all time.Duration) time.Duration {
	var longest time.Duration
	for _, c := range p {
		if c.canStop() {
			longest = max(longest, cmp.Or(max(c.StopTimeout, 0), all))
		}
	}
	return longest
}
