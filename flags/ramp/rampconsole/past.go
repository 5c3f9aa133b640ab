package rampconsole

import (
	"time"

	"github.com/handover-go/handover/flags/ramp"
)

// What is kept of the past, so that it is bounded.
const (
	mostPoints = 600
	mostRamps  = 100
	afterwards = time.Minute // of a ramp that has ended
)

// past is what was seen of one ramp.
type past struct {
	state  ramp.State
	ended  time.Time // it was seen to have ended; zero if it has not
	stride int       // of how many looks one is kept
	looks  int
	points []Point
}

// Point is what there was at one moment. It is the JSON as well.
type Point struct {
	At       time.Time          `json:"at"`       // by the clock of this process
	Share    float64            `json:"share"`    // in percent; 0 if the flag is killed
	Evidence map[string]float64 `json:"evidence"` // by metric, the largest of all guards
	Needed   float64            `json:"needed"`   // of it, to trip
}

// look notes what there is.
func (c *Console) look(now time.Time) {
	s := c.member.Status()
	c.mu.Lock()
	defer c.mu.Unlock()
	there := map[string]bool{}
	for _, p := range s.Ramps {
		there[p.Key] = true
		if c.past[p.Key] == nil && len(c.past) < mostRamps {
			c.past[p.Key] = &past{stride: 1}
		}
		if had := c.past[p.Key]; had != nil {
			had.note(p, now)
		}
	}
	for key := range c.past {
		if !there[key] {
			delete(c.past, key)
		}
	}
}

// note keeps a point, of a ramp that has not ended.
func (h *past) note(p ramp.Progress, now time.Time) {
	h.follow(p.State, now)
	if !h.ended.IsZero() && now.Sub(h.ended) > afterwards {
		return
	}
	h.looks++
	if (h.looks-1)%h.stride != 0 {
		return
	}
	if len(h.points) == mostPoints {
		h.thin()
	}
	h.points = append(h.points, pointOf(p, now))
}

// follow notes an end. A ramp that runs after it had ended, or had not begun, begins anew.
func (h *past) follow(state ramp.State, now time.Time) {
	switch runs := state == ramp.Running || state == ramp.Paused; {
	case runs && (h.state == "" || !h.ended.IsZero()):
		*h = past{stride: 1}
	case !runs && state != "" && h.ended.IsZero():
		h.ended = now
	}
	h.state = state
}

// thin makes room: every second point goes, and of the looks to come as well.
func (h *past) thin() {
	for i := range mostPoints / 2 {
		h.points[i] = h.points[2*i]
	}
	clear(h.points[mostPoints/2:])
	h.points, h.stride, h.looks = h.points[:mostPoints/2], 2*h.stride, 1
}

func pointOf(p ramp.Progress, now time.Time) Point {
	one := Point{At: now, Share: p.Share, Evidence: map[string]float64{}}
	if p.Killed {
		one.Share = 0
	}
	for _, v := range p.Verdicts {
		for _, m := range v.Metrics {
			if m.Bound > 0 {
				one.Evidence[m.Name] = max(one.Evidence[m.Name], finite(m.Evidence))
				one.Needed = max(one.Needed, finite(m.Threshold))
			}
		}
	}
	return one
}
