package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// Page is one HTML page with all runs. It has no script, loads nothing, and is as dark as
// its reader likes.
func Page(runs []Run) string {
	var all []section
	for _, r := range runs {
		all = append(all, r.section())
	}
	var b strings.Builder
	if err := template.Must(template.New("page").Parse(page)).Execute(&b, all); err != nil {
		panic(err) // of the template, which is a constant, and a Builder, which takes everything
	}
	return b.String()
}

// The widths of the pictures: a letter has 11 pixels or more on a page of 720, and on one
// of 370.
const (
	wide, narrow = 680, 340
	pageSpans    = 400
)

// section is a run as it is on the page.
type section struct {
	Title, How, Outcome string
	Requests, Failed    string
	Lost                bool
	Lines               string
	Pictures            []figure
	Steps               []step
	Versions            []string
	Seconds             []row
	Processes           []string
}

// figure is a picture in both widths. It has been escaped.
type figure struct{ Wide, Narrow template.HTML }

type step struct{ At, Text string }

type row struct {
	At, Failed, P99 string
	Answers         []string
}

func (r Run) section() section {
	s := section{
		Title: r.title(), How: r.how(), Outcome: r.outcome(),
		Requests: grouped(r.Requests), Failed: grouped(r.Failed), Lost: r.Failed > 0,
	}
	for _, line := range r.Lines {
		for part := range strings.Lines(line) {
			s.Lines += short(plain(strings.TrimRight(part, "\n")), 10*longest) + "\n"
		}
	}
	large, small := r.draw(wide, pageSpans).all(), r.draw(narrow, pageSpans).all()
	for i := range large {
		s.Pictures = append(s.Pictures, figure{template.HTML(large[i]), template.HTML(small[i])})
	}
	for _, mark := range r.steps() {
		s.Steps = append(s.Steps, step{clock(mark.At), mark.Text})
	}
	for _, p := range r.Processes {
		s.Processes = append(s.Processes, p.words())
	}
	s.Versions, s.Seconds = r.table()
	return s
}

// table is what the pictures show, for who does not see them.
func (r Run) table() (names []string, rows []row) {
	spans := r.spans(pageSpans)
	lines := answers(spans, r.versions())
	for _, l := range lines {
		names = append(names, l.Name)
	}
	for i, s := range spans {
		one := row{At: fmt.Sprintf("%.0f s", s.from), Failed: fmt.Sprintf("%.0f", s.failed), P99: "none"}
		for _, l := range lines {
			one.Answers = append(one.Answers, fmt.Sprintf("%.0f", l.Points[2*i].Value))
		}
		if !math.IsNaN(s.p99) {
			one.P99 = fmt.Sprintf("%.1f ms", s.p99)
		}
		rows = append(rows, one)
	}
	return names, rows
}
