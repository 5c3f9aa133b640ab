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
	from, to := math.Inf(1), math.Inf(-1)
	see := func(v float64) {
		if finite(v) {
			from, to = min(from, v), max(to, v)
		}
	}
	for _, l := range c.Lines {
		for _, p := range l.Points {
			see(p.At)
		}
	}
	for _, m := range c.Marks {
		see(m.At)
	}
	if from > to {
		from, to = 0, 1
	}
	from, to = clamp(from), clamp(to)
	if to-from < 1 {
		to = from + math.Max(1, math.Abs(from)*1e-9)
	}
	return scale{from: from, to: to, step: nice((to-from)/6, clockwork(to-from))}
}

func (c Chart) values() scale {
	to := 0.0
	for _, l := range c.Lines {
		for _, p := range l.Points {
			if finite(p.Value) {
				to = max(to, p.Value)
			}
		}
	}
	if finite(c.Top) {
		to = max(to, c.Top)
	}
	if c.Log {
		decades := math.Ceil(math.Log10(min(max(to, 10), ceiling)))
		return scale{from: floor, to: math.Pow(10, decades), step: math.Pow(10, math.Ceil((decades+2)/5)), log: true}
	}
	if to < 1e-12 {
		to = 1
	}
	to = clamp(to)
	step := nice(to/4, decimal)
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
