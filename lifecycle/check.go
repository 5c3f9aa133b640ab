package lifecycle

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// check finds what contradicts itself. Each mistake says what to write instead.
func (a *App) check(plan Plan) error {
	mistakes := slices.Concat(a.mistakes, a.checkNames())
	if len(a.places) == 0 {
		mistakes = append(mistakes, mistake("", "there are no components; Add one or more"))
	}
	switch {
	case plan.GracePeriod < 0:
		mistakes = append(mistakes, mistake("", "GracePeriod %v is negative; give the time from SIGTERM to SIGKILL, or 0 for 30s", plan.GracePeriod))
	case plan.GracePeriod < time.Millisecond:
		mistakes = append(mistakes, mistake("", "GracePeriod is %v, too short for anything; is the unit missing, as in 30*time.Second?", plan.GracePeriod))
	case plan.Budget() <= 0:
		mistakes = append(mistakes, mistake("", "Margin %v leaves nothing of the GracePeriod of %v; lower it, or leave it 0 for at most a fifth", plan.Margin, plan.GracePeriod))
	default: // the rest would only repeat these
		mistakes = append(mistakes, a.checkTimes(plan)...)
	}
	return errors.Join(mistakes...)
}

func (a *App) checkNames() (mistakes []error) {
	seen := map[string]bool{}
	for i, p := range a.places {
		for _, c := range p {
			switch {
			case strings.TrimSpace(c.Name) == "":
				mistakes = append(mistakes, mistake("", "a component in place %d has no Name; give it one, for errors and logs", i+1))
			case seen[c.Name]:
				mistakes = append(mistakes, mistake(c.Name, "there are two components of this Name; rename the one in place %d", i+1))
			}
			seen[c.Name] = true
			if c.Start == nil && !c.canStop() {
				mistakes = append(mistakes, mistake(c.Name, "has none of Start, Run and Stop; give it one or leave it out"))
			}
		}
	}
	return mistakes
}

// checkTimes refuses what could never be kept, even if everything else took no
// time. Stop time-outs may add up to more than the budget: they are caps.
func (a *App) checkTimes(plan Plan) (mistakes []error) {
	below := max(0, count(a.places, (*component).canStop)-1)
	if half := plan.Budget() / 2; a.cfg.Reserve > 0 && below > 0 && plan.Reserve > half/time.Duration(below) {
		mistakes = append(mistakes, mistake("", "a Reserve of %v for each of %d places is more than half of the %v that GracePeriod and Margin leave; lower it to %v",
			plan.Reserve, below, plan.Budget(), short(half/time.Duration(below))))
		return mistakes
	}
	for i, p := range a.places {
		most := plan.deadline(0, count(a.places[:i], (*component).canStop))
		for _, c := range p {
			if c.StopTimeout > most {
				mistakes = append(mistakes, mistake(c.Name, "StopTimeout %v does not fit: GracePeriod %v less margin and reserves leaves %v; lower it or raise GracePeriod",
					c.StopTimeout, plan.GracePeriod, most))
			}
			if plan.StartTimeout > 0 && c.StartTimeout > plan.StartTimeout {
				mistakes = append(mistakes, mistake(c.Name, "StartTimeout %v is longer than the app's of %v; lower it or raise Config.StartTimeout",
					c.StartTimeout, plan.StartTimeout))
			}
		}
	}
	return mistakes
}

func mistake(component, format string, args ...any) error {
	return &Error{Component: component, Op: "plan", Err: fmt.Errorf(format, args...)}
}
