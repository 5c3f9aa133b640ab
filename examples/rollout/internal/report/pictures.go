package report

import (
	"math"
	"time"

	"github.com/handover-go/handover/internal/chart"
)

// pictures are those of a run, of a width.
type pictures struct {
	answers, failures, p99 chart.Chart
	processes              chart.Rows
}

// all are each one of its own.
func (p pictures) all() []string {
	return []string{p.answers.SVG(), p.failures.SVG(), p.p99.SVG(), p.processes.SVG()}
}

// margins are what a picture has beside its lines.
const margins = 58 + 16

// draw has as many spans as are asked for, at most.
func (r Run) draw(width float64, most int) pictures {
	from, to := r.reach()
	marks := numbered(r.steps(), scale{from: from, to: to, room: width - margins})
	spans, versions := r.spans(most), r.versions()
	of := func(title, unit string, height, top float64, lines ...chart.Line) chart.Chart {
		return chart.Chart{Title: title, Unit: unit, From: from, To: to, Width: width, Height: height, Top: top, Marks: marks, Lines: lines}
	}
	p := pictures{
		answers: of("Answers", "per second", 190, 10, answers(spans, versions)...),
		failures: of("Failures ("+grouped(r.Failed)+")", "per second", 130, 5,
			line(chart.Line{Name: "failed", Color: chart.Red, Filled: true}, spans, func(s span) float64 { return s.failed })),
		p99: of("99 of 100 answers came within", "ms", 130, 10,
			line(chart.Line{Name: "p99", Color: chart.Violet}, spans, func(s span) float64 { return s.p99 })),
		processes: chart.Rows{Title: "Processes", From: from, To: to, Width: width, Marks: marks, Legend: []chart.Key{
			{Name: "starting", Shape: chart.Thin}, {Name: "ready", Shape: chart.Solid}, {Name: "signalled", Shape: chart.Hollow},
		}},
	}
	p.answers.Stacked = true
	color := colors(versions)
	for _, process := range r.Processes {
		p.processes.Rows = append(p.processes.Rows, process.row(color[process.Version]))
	}
	return p
}

// answers are a line for each version, and one for the rest.
func answers(spans []span, versions []string) (all []chart.Line) {
	color, rest := colors(versions), versions[min(len(versions), mostVersions):]
	for _, version := range versions[:len(versions)-len(rest)] {
		all = append(all, line(chart.Line{Name: name(version), Color: color[version]}, spans, func(s span) float64 { return s.answers[version] }))
	}
	if len(rest) > 0 {
		all = append(all, line(chart.Line{Name: "others"}, spans, func(s span) (n float64) {
			for _, version := range rest {
				n += s.answers[version]
			}
			return n
		}))
	}
	return all
}

// row has three bars: until it is ready, until the signal, and until the exit.
func (p Process) row(color string) chart.Row {
	row := chart.Row{Name: name(p.Name), Text: p.words()}
	from := p.Started.Seconds()
	add := func(to float64, s chart.Shape) {
		row.Bars = append(row.Bars, chart.Bar{From: from, To: to, Color: color, Shape: s})
		from = to
	}
	add(earliest(p.Ready, p.Signalled, p.Exited), chart.Thin)
	if p.Ready != nil {
		add(earliest(p.Signalled, p.Exited), chart.Solid)
	}
	if p.Signalled != nil {
		add(earliest(p.Exited), chart.Hollow)
	}
	return row
}

// earliest of those that were; infinity if none was.
func earliest(all ...*time.Duration) float64 {
	first := math.Inf(1)
	for _, at := range all {
		if at != nil {
			first = min(first, at.Seconds())
		}
	}
	return first
}

func (p Process) words() string {
	when := func(what string, at *time.Duration) string {
		if at == nil {
			return ", never " + what
		}
		return ", " + what + " " + clock(*at)
	}
	return name(p.Name) + ": started " + clock(p.Started) + when("ready", p.Ready) + when("signalled", p.Signalled) + when("exited", p.Exited)
}
