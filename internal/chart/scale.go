package chart

import "math"

// scale is an axis.
type scale struct {
	from, to float64
	step     float64
	log      bool
}

// floor is the least that is told apart of what has a logarithm.
const (
	floor   = 0.01
	ceiling = 1e12
)

// place is where a number lies, between two ends, whatever the number.
func (s scale) place(v, low, high float64) float64 {
	share := (v - s.from) / (s.to - s.from)
	if s.log {
		share = (math.Log10(min(max(v, floor), ceiling)) - math.Log10(s.from)) / (math.Log10(s.to) - math.Log10(s.from))
	}
	return low + min(max(share, 0), 1)*(high-low)
}

// ticks are where the axis has numbers.
func (s scale) ticks() (all []float64) {
	if s.log {
		for tick := s.from; tick <= s.to*1.001; tick *= s.step {
			all = append(all, tick)
		}
		return all
	}
	for i := math.Ceil(s.from / s.step); i*s.step <= s.to*(1+1e-9) && len(all) < 20; i++ {
		all = append(all, i*s.step)
	}
	return all
}

func (c Chart) times() scale {
	r := reach(c.From, c.To, c.Marks)
	for _, l := range c.Lines {
		for _, p := range l.Points {
			r.see(p.At)
		}
	}
	return r.scale(c.Width)
}

func (r Rows) times() scale {
	seen := reach(r.From, r.To, r.Marks)
	for _, row := range r.Rows {
		for _, b := range row.Bars {
			seen.see(b.From)
			seen.see(b.To)
		}
	}
	return seen.scale(r.Width)
}

// ends are the first and the last of what was seen.
type ends struct{ from, to float64 }

func reach(from, to float64, marks []Mark) *ends {
	e := &ends{math.Inf(1), math.Inf(-1)}
	if from != to {
		e.see(from)
		e.see(to)
	}
	for _, m := range marks {
		e.see(m.At)
	}
	return e
}

func (e *ends) see(v float64) {
	if finite(v) {
		e.from, e.to = min(e.from, v), max(e.to, v)
	}
}

// scale has as many numbers as there is room for.
func (e *ends) scale(width float64) scale {
	from, to := clamp(e.from), clamp(e.to)
	if e.from > e.to {
		from, to = 0, 1
	}
	if to-from < 1 {
		to = from + math.Max(1, math.Abs(from)*1e-9)
	}
	numbers := math.Round(min(size(width, 640, 240)/80, 10))
	return scale{from: from, to: to, step: nice((to-from)/numbers, clockwork(to-from))}
}

// values has about as many numbers as are asked for.
func values(lines []Line, top float64, log bool, numbers float64) scale {
	to := 0.0
	for _, l := range lines {
		for _, p := range l.Points {
			if finite(p.Value) {
				to = max(to, p.Value)
			}
		}
	}
	if finite(top) {
		to = max(to, top)
	}
	if log {
		decades := math.Ceil(math.Log10(min(max(to, 10), ceiling)))
		return scale{from: floor, to: math.Pow(10, decades), step: math.Pow(10, math.Ceil((decades+2)/5)), log: true}
	}
	if to < 1e-12 {
		to = 1
	}
	to = clamp(to)
	step := nice(to/numbers, decimal)
	return scale{to: math.Ceil(to/step-1e-9) * step, step: step}
}

// clamp keeps sums of numbers finite.
func clamp(v float64) float64 { return min(max(v, -1e300), 1e300) }

const decimal = 1.0

// clockwork is the unit in which a clock goes on: of minutes nobody wants 1.67.
func clockwork(span float64) float64 {
	switch {
	case span > 3*3600:
		return 3600
	case span > 3*60:
		return 60
	}
	return decimal
}

// nice is 1, 2 or 5 times a power of ten of the unit, at least so large.
func nice(least, unit float64) float64 {
	power := unit * math.Pow(10, math.Floor(math.Log10(least/unit)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= least {
			return n * power
		}
	}
	return 10 * power
}
