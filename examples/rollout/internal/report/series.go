package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/handover-go/handover/internal/chart"
)

// span is a second, or some, as it is drawn.
type span struct {
	from, to float64
	answers  map[string]float64 // per second
	failed   float64            // per second
	p99      float64            // ms, the worst; not a number when nobody answered
}

// spans are at most so many. The answers that came when the load had ended, and a second
// that is not whole, count for the last one.
func (r Run) spans(most int) (all []span) {
	end := r.lasted()
	whole := min(len(r.Seconds), max(1, int(end)))
	size := max(1, (whole+most-1)/most)
	for first := 0; first < whole; first += size {
		last, to := first+size, float64(first+size)
		if last >= whole {
			last, to = len(r.Seconds), end
		}
		all = append(all, join(r.Seconds[first:last], float64(first), to))
	}
	return all
}

func join(seconds []Second, from, to float64) span {
	s := span{from: from, to: to, answers: map[string]float64{}, p99: math.NaN()}
	took := max(1, to-from)
	for _, second := range seconds {
		for version, n := range second.Answers {
			s.answers[version] += float64(n) / took
		}
		s.failed += float64(second.Failed) / took
		if p99 := milliseconds(second.P99); p99 > 0 && !(s.p99 >= p99) {
			s.p99 = p99
		}
	}
	return s
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// line draws one number of each span. As long as a span lasts, the number is the same.
func line(l chart.Line, spans []span, of func(span) float64) chart.Line {
	l.Stairs = true
	for _, s := range spans {
		l.Points = append(l.Points, chart.Point{At: s.from, Value: of(s)}, chart.Point{At: s.to, Value: of(s)})
	}
	return l
}

// mostVersions are told apart; with more, nobody could. What comes last is the rest.
const mostVersions = 8

// versions are those of the processes in the order of their start, and whoever else has
// answered.
func (r Run) versions() (all []string) {
	add := func(version string) {
		if !slices.Contains(all, version) && version != "" {
			all = append(all, version)
		}
	}
	processes := slices.SortedStableFunc(slices.Values(r.Processes), func(a, b Process) int { return cmp.Compare(a.Started, b.Started) })
	for _, p := range processes {
		add(p.Version)
	}
	others := map[string]bool{}
	for _, s := range r.Seconds {
		for version := range s.Answers {
			others[version] = true
		}
	}
	for _, version := range slices.Sorted(maps.Keys(others)) {
		add(version)
	}
	return all
}

// colors are those of the versions. They come again: who has the same is at work at
// another time.
func colors(versions []string) map[string]string {
	palette := []string{chart.Blue, chart.Orange, chart.Violet, chart.Teal}
	all := map[string]string{}
	for i, version := range versions[:min(len(versions), mostVersions)] {
		all[version] = palette[i%len(palette)]
	}
	return all
}

// grouped is a number with its thousands apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
