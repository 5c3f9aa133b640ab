package ramp

import (
	"fmt"
	"time"
)

// decision is what is to be done with a ramp, or what is waited for.
type decision struct {
	move    *Move
	waiting []string
	next    float64       // the step that would be taken; 0 if it was the last
	left    time.Duration // to bake
}

// decide is all that a leader knows about ramps. It looks at nothing but its arguments.
func decide(key string, p Plan, fleet *Fleet, ttl time.Duration) decision {
	f := fleet.flag(key)
	if f == nil {
		return wait("there is no such flag in the set: insert it, with a share of 0 %")
	}
	share, err := f.share()
	if err != nil {
		return wait(err.Error())
	}
	if f.Ramp.done(share) { // whether or not there is a plan still
		return decision{}
	}
	c, err := p.of(f)
	if err != nil {
		return wait(err.Error())
	}
	d := decision{}
	d.next, _ = c.next(share)
	switch pos := f.Ramp; {
	case pos == nil:
		return begin(f, c, d, share, fleet.Now)
	case pos.State == Paused || pos.State == Stopped:
		d.waiting = []string{fmt.Sprintf("%s, until somebody resumes it: %s", pos.State, pos.Why)}
	default:
		if d.move = f.touched(share); d.move == nil && pos.State == Running {
			return goOn(f, c, d, share, fleet, ttl)
		}
	}
	return d
}

// touched is the move for a flag that is not where the ramp has left it; nil if it is.
func (f *Flag) touched(share float64) *Move {
	switch pos := f.Ramp; {
	case f.Killed && pos.State == Running:
		return f.noted(Stopped, share, "the flag has been killed")
	case pos.Share == nil:
		return f.noted(Running, share, fmt.Sprintf("goes on from %v %%", share))
	case *pos.Share != share:
		return f.noted(Paused, share, fmt.Sprintf("somebody has moved the flag by hand, from %v to %v %%", *pos.Share, share))
	}
	return nil
}

func (pos *Position) done(share float64) bool {
	return pos != nil && pos.State == Done && pos.Share != nil && *pos.Share == share
}

func wait(reasons ...string) decision { return decision{waiting: reasons} }

// noted is a move that leaves the flag alone.
func (f *Flag) noted(state State, share float64, why string) *Move {
	return &Move{Key: f.Key, Was: *f, State: state, Share: share, Why: why}
}

// begin has a ramp begin with the share that there is.
func begin(f *Flag, c course, d decision, share float64, now time.Time) decision {
	switch {
	case f.Killed:
		d.waiting = []string{"the flag is killed"}
	case !f.Enabled:
		d.waiting = []string{"the flag is disabled"}
	case now.Before(c.start):
		d.waiting = []string{"it starts at " + c.start.Format(time.RFC3339)}
	default:
		d.move = f.noted(Running, share, fmt.Sprintf("begins at %v %%", share))
	}
	return d
}

// goOn takes the next step, if nobody is against it.
func goOn(f *Flag, c course, d decision, share float64, fleet *Fleet, ttl time.Duration) decision {
	pos := f.Ramp
	if !f.Enabled {
		d.waiting = append(d.waiting, "the flag is disabled")
	}
	if led := fleet.Now.Sub(fleet.Since); led < ttl {
		d.waiting = append(d.waiting, fmt.Sprintf("%s has begun to lead, and others may be there who are not heard of yet", fleet.Leader))
	}
	d.waiting = append(d.waiting, fleet.behind(f)...)
	bake := time.Duration(0)
	evidence := "nobody has it yet"
	if share > 0 { // what nobody has needs no proof
		bake = c.bake
		d.left = max(0, pos.Since.Add(bake).Sub(fleet.Now))
		if d.left > 0 {
			d.waiting = append(d.waiting, "it bakes for "+d.left.Round(time.Second).String())
		}
		var against []string
		evidence, against = fleet.heard(f.Key, pos.Since)
		d.waiting = append(d.waiting, against...)
	}
	if len(d.waiting) > 0 {
		return d
	}
	step, number := c.next(share)
	if number == 0 {
		d.move = f.noted(Done, share, fmt.Sprintf("done, at %v %%: %s", share, evidence))
		return d
	}
	m, err := f.widened(step)
	if err != nil {
		return wait(err.Error())
	}
	m.Why = fmt.Sprintf("step %d of %d, from %v to %v %%: %s", number, len(c.steps), share, step, evidence)
	m.TTL, m.Bake = ttl, bake
	for _, i := range fleet.Instances {
		m.Seen = append(m.Seen, i.ID)
	}
	d.move = &m
	return d
}
