package main

import (
	"errors"
	"fmt"
	"html"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/handover-go/handover/internal/chart"
)

// A table that is wider than the screen is moved in its own box, and a picture is there
// twice: the one that is narrow can be read on a phone.
const style = `:root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #ddd }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e4; --paper: #161616; --line: #444 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 46em; padding: 0 1em; color: var(--ink); background: var(--paper); overflow-wrap: anywhere }
table { display: block; max-width: 100%; overflow-x: auto; border-collapse: collapse; overflow-wrap: normal }
th, td { text-align: right; padding: .2em 1em .2em 0; border-bottom: 1px solid var(--line) } th:first-child, td:first-child { text-align: left }
svg { display: block; width: 100%; height: auto; margin: .5em 0 } .narrow { display: none }
@media (max-width: 719px) { body { margin: 1em auto } .wide { display: none } .narrow { display: block } .narrow svg { max-width: 30rem } }`

// writeTo writes the page in place of what the file had, and closes it.
func (r result) writeTo(file *os.File) error {
	_, err := file.WriteString(r.page())
	if err == nil {
		err = file.Truncate(int64(len(r.page())))
	}
	return errors.Join(err, file.Close())
}

// page is one page with all that it needs. Texts are escaped, whatever they are.
func (r result) page() string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Canary</title><style>" + style + "</style></head><body>\n<h1>Canary</h1>\n")
	guarded := "Guards decide."
	if !r.Guarded {
		guarded = "Nobody asks the guards."
	}
	fmt.Fprintf(&b, "<p>%d instances, flags in %s. %s A user is hurt for whom the new version fails, or takes more than %s.</p>\n",
		instances, html.EscapeString(r.Store), guarded, tooSlow)
	b.WriteString("<table><tr><th>new version</th><th>outcome</th><th>largest share</th><th>requests</th><th>of the canary</th><th>users hurt</th></tr>\n")
	for _, o := range r.Scenarios {
		fmt.Fprintf(&b, "<tr><td>%s</td><td>%s</td><td>%.0f %%</td><td>%d</td><td>%d</td><td>%d</td></tr>\n",
			html.EscapeString(o.Scenario), html.EscapeString(strings.ReplaceAll(o.Outcome, "_", " ")), o.Share, o.Requests, o.Canary, o.Hurt)
	}
	b.WriteString("</table>\n")
	for _, o := range r.Scenarios {
		fmt.Fprintf(&b, "<h2>%s</h2>\n<p>%s. In the end: %s</p>\n", html.EscapeString(o.Scenario), html.EscapeString(o.is), html.EscapeString(o.Why))
		for _, c := range o.pictures() {
			b.WriteString(`<div class="wide">` + c.SVG() + "</div>")
			c.Width, c.Height = 340, 180
			b.WriteString(`<div class="narrow">` + c.SVG() + "</div>\n")
		}
	}
	b.WriteString("</body></html>\n")
	return b.String()
}

// pictures are the share, the load and what went wrong by version, and the evidence.
func (o outcome) pictures() []chart.Chart {
	marks := o.marks()
	rate := func(title string, of func(arm) int) chart.Chart {
		return chart.Chart{Title: title, Unit: "per second", Marks: marks, Lines: []chart.Line{
			{Name: "new version", Color: chart.Orange, Points: o.rate(func(s sample) int { return of(s.isNew) })},
			{Name: "old version", Color: chart.Blue, Dashed: true, Points: o.rate(func(s sample) int { return of(s.old) })},
		}}
	}
	return []chart.Chart{
		{Title: "Share", Unit: "% of the users", Top: 100, Marks: marks, Lines: []chart.Line{
			{Name: "new version", Color: chart.Orange, Stairs: true, Points: o.points(func(s sample) float64 { return s.share })},
		}},
		rate("Requests", func(a arm) int { return a.Requests }),
		rate("Errors and slow answers", func(a arm) int { return a.Failures + a.Slow }),
		o.evidence(marks),
	}
}

func (o outcome) evidence(marks []chart.Mark) chart.Chart {
	c := chart.Chart{Title: "Evidence", Unit: "that a bound is broken", Log: true, Marks: marks}
	names := map[string]bool{}
	for _, s := range o.samples {
		for name := range s.evidence {
			names[name] = true
		}
	}
	colors := []string{chart.Red, chart.Violet}
	for i, name := range slices.Sorted(maps.Keys(names)) {
		c.Lines = append(c.Lines, chart.Line{Name: name, Color: colors[i%len(colors)], Points: o.points(func(s sample) float64 { return s.evidence[name] })})
	}
	return with(c, chart.Line{Name: "threshold", Dashed: true, Points: o.points(func(s sample) float64 { return s.threshold })})
}

func with(c chart.Chart, l chart.Line) chart.Chart {
	c.Lines = append(c.Lines, l)
	return c
}

// marks are the steps.
func (o outcome) marks() (all []chart.Mark) {
	last := 0.0
	for _, s := range o.samples {
		if s.share != last {
			last = s.share
			all = append(all, chart.Mark{At: s.at, Text: fmt.Sprintf("%.0f %%", s.share)})
		}
	}
	return all
}

func (o outcome) points(of func(sample) float64) (points []chart.Point) {
	for _, s := range o.samples {
		points = append(points, chart.Point{At: s.at, Value: of(s)})
	}
	return points
}

// rate is per second, over the second before.
func (o outcome) rate(of func(sample) int) (points []chart.Point) {
	first := 0
	for i, s := range o.samples {
		for s.at-o.samples[first].at > 1 && first < i-1 {
			first++
		}
		if span := s.at - o.samples[first].at; span > 0 {
			points = append(points, chart.Point{At: s.at, Value: float64(of(s)-of(o.samples[first])) / span})
		}
	}
	return points
}
