package ramp

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/ramp/internal/rollout"
)

// Plan is how one flag is widened.
type Plan struct {
	// Flag is declared with the member's client, and is off by default: on is the new path.
	Flag flags.Switch

	// Steps are the percentages, ascending, with three decimals at the most. Default:
	// those of x-ramp in the flag's definition, which take the place of these if there
	// are any, so that they can be changed without a deployment; without either there is
	// no ramp, and the guard may kill all the same.
	Steps []float64

	// Bake is the time at each step; 10 min by default.
	Bake time.Duration

	// Guard is asked once per Config.Tick whether the new path hurts. A guard.Guard, and
	// Fleet, get the bounds of the definition's x-guard, if it has one, in the place of
	// their own. Default none: time and the fleet decide.
	Guard Guard

	// Fleet judges what the guards of all members have counted together, in the one that
	// leads: with twenty instances it needs a twentieth of the time. Make it with
	// guard.NewJudge, of the Config of Guard, which has to be a guard.Guard; each of the
	// guards and the judge has its own FalseAlarm. Default none: each guard for itself.
	Fleet *guard.Judge
}

// sampler is a guard that tells what it has counted, as a guard.Guard does.
type sampler interface{ Take() guard.Sample }

// bounded is a guard whose bounds may be others, as those of a guard.Guard and a
// guard.Judge. nil are its own.
type bounded interface{ Bounds(xguard []byte) error }

// Guard is what a guard.Guard is to a ramp.
type Guard interface {
	// Step says that another share of subjects is served from now on.
	Step()

	// Verdict says whether the new path hurts. It does not block.
	Verdict() guard.Verdict
}

func (p Plan) wrong() (all []error) {
	if p.Steps != nil {
		if problem, instead := rollout.WrongSteps(p.Steps); problem != "" {
			all = append(all, fmt.Errorf("Plan.Steps %s; instead: %s", problem, instead))
		}
	}
	if p.Bake < 0 {
		all = append(all, fmt.Errorf("Plan.Bake is %s: take more than none, or 0 for 10m", p.Bake))
	}
	if _, ok := p.Guard.(sampler); p.Fleet != nil && !ok {
		all = append(all, errors.New("Plan.Fleet judges what a guard has counted: Plan.Guard has to be a *guard.Guard"))
	}
	return all
}

// course is a plan with all that is said of it.
type course struct {
	steps []float64
	bake  time.Duration
	start time.Time
}

// errNoPlan is of a flag that nobody wants to have ramped.
var errNoPlan = errors.New("there are neither Plan.Steps nor an x-ramp in its definition")

// of is the plan for a flag as it is in the store.
func (p Plan) of(f *Flag) (course, error) {
	c := course{steps: p.Steps, bake: cmp.Or(p.Bake, rollout.DefaultBake)}
	switch xramp, err := f.xramp(); {
	case err != nil:
		return c, err
	case xramp != nil:
		c = course{steps: xramp.Steps, bake: xramp.Bake, start: xramp.Start}
	case c.steps == nil:
		return c, errNoPlan
	}
	return c, f.xguard()
}

// next is the first step above a share, and its number from 1; 0 if there is none.
func (c course) next(share float64) (step float64, number int) {
	for i, s := range c.steps {
		if s > share {
			return s, i + 1
		}
	}
	return 0, 0
}
