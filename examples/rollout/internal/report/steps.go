package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/handover-go/handover/internal/chart"
)

// steps are the marks in the order of their time. Their numbers are their places.
func (r Run) steps() []Mark {
	all := slices.Clone(r.Marks)
	slices.SortStableFunc(all, func(a, b Mark) int { return cmp.Compare(a.At, b.At) })
	for i := range all {
		all[i].Text = name(all[i].Text)
	}
	return all
}

// clock is a time as it is written in a text.
func clock(at time.Duration) string { return fmt.Sprintf("%.1f s", at.Seconds()) }

// scale is how a time becomes a place, in units of the picture.
type scale struct{ from, to, room float64 }

func (s scale) place(at time.Duration) float64 {
	return (at.Seconds() - s.from) / (s.to - s.from) * s.room
}

// numbered are the marks with their numbers. Where there is no room for each, those that
// are close have one label: 3–5.
func numbered(steps []Mark, s scale) (all []chart.Mark) {
	const letter, gap = 6.5, 5
	first, last := 0, 0 // of the label that is open
	label := func() string {
		if first == last {
			return strconv.Itoa(first + 1)
		}
		return strconv.Itoa(first+1) + "–" + strconv.Itoa(last+1)
	}
	for i, step := range steps {
		all = append(all, chart.Mark{At: step.At.Seconds(), Text: strconv.Itoa(i+1) + ": " + step.Text})
		if i == 0 {
			continue
		}
		letters := utf8.RuneCountInString(label()) + utf8.RuneCountInString(strconv.Itoa(i+1))
		if s.place(step.At)-s.place(steps[first].At) < float64(letters)*letter/2+gap {
			last = i
			continue
		}
		all[first].Label = label()
		first, last = i, i
	}
	if len(all) > 0 {
		all[first].Label = label()
	}
	return all
}
