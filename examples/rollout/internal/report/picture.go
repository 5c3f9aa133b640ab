package report

import (
	"fmt"
	"html"
	"strings"
)

// A picture in a README is as wide as half of one, and of a size that is loaded at once.
const (
	pictureWidth     = 440.0
	pictureSpans     = 60
	pictureProcesses = 20
	pictureSteps     = 24
	pictureText      = 40
)

// Its colors are those of who looks, with a background of its own: where the page is
// dark and the browser is not, or the other way round, it can be read as well.
const pictureStyle = `<style>.deployment{color:#1f2328}.paper{fill:#fff;stroke:#d0d7de}.muted{fill:#59636e}.lost{fill:#b00020}
@media(prefers-color-scheme:dark){.deployment{color:#e6edf3}.paper{fill:#0d1117;stroke:#3d444d}.muted{fill:#9198a1}.lost{fill:#ff8f8f}}</style>`

// Picture is the deployment as one SVG for a README, of 440 units, to be shown at about
// half its width. It has the first 20 processes, and names the first 24 steps. It has at
// most 40 kB.
func Picture(r Run) string {
	words := r.title() + ": " + r.outcome()
	left := r.abridge()
	p := r.draw(pictureWidth, pictureSpans)
	p.answers.Height, p.failures.Height = 150, 112
	for i := range p.answers.Marks { // which are those of all
		p.answers.Marks[i].Text = "" // nobody can point at what is in a picture of a page
	}
	for i := range p.processes.Rows {
		p.processes.Rows[i].Text = ""
	}
	for i, l := range p.answers.Lines {
		p.answers.Lines[i].Name = short(l.Name, pictureText)
	}
	const top = 42.0
	below := top + p.answers.Height + p.failures.Height
	texts, height := steps(r.steps(), below+p.processes.Height()+12, left)

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%[1]g" height="%[2]g" class="deployment" role="img" font-family="system-ui, sans-serif" font-size="11" fill="currentColor"><title>%[3]s</title>`,
		pictureWidth, height, html.EscapeString(words))
	b.WriteString(pictureStyle)
	fmt.Fprintf(&b, `<rect class="paper" x=".5" y=".5" width="%g" height="%g" rx="6"/>`, pictureWidth-1, height-1)
	color := ""
	if r.Failed > 0 {
		color = ` class="lost"`
	}
	fmt.Fprintf(&b, `<text x="14" y="21" font-size="13" font-weight="bold"%s>%s</text>`, color, html.EscapeString(short(words, 56)))
	fmt.Fprintf(&b, `<text x="14" y="36" class="muted">%s</text>`, html.EscapeString(short(r.how(), 70)))
	b.WriteString(p.answers.Inset(top) + p.failures.Inset(top+p.answers.Height) + p.processes.Inset(below) + texts + "</svg>\n")
	return b.String()
}

// abridge leaves out what a small picture has no room for, and says of how many steps.
func (r *Run) abridge() (steps int) {
	steps = max(0, len(r.Marks)-pictureSteps)
	r.Marks = r.steps()[:len(r.Marks)-steps]
	r.Processes = append([]Process(nil), r.Processes[:min(len(r.Processes), pictureProcesses)]...)
	for i := range r.Marks {
		r.Marks[i].Text = short(r.Marks[i].Text, pictureText)
	}
	for i, p := range r.Processes {
		r.Processes[i].Name = short(name(p.Name), pictureText/2)
	}
	return steps
}

// steps are written in two columns from a height on, and end at another.
func steps(all []Mark, y float64, left int) (string, float64) {
	const lineHeight = 15.0
	var b strings.Builder
	half := (len(all) + 1) / 2
	for i, step := range all {
		x, row := 14.0, i
		if i >= half {
			x, row = pictureWidth/2+7, i-half
		}
		text := fmt.Sprintf("%s  %s", clock(step.At), step.Text)
		fmt.Fprintf(&b, `<text x="%g" y="%g"><tspan font-weight="bold">%d</tspan> %s</text>`, x, y+lineHeight*float64(row), i+1, html.EscapeString(short(text, 36)))
	}
	y += lineHeight * float64(half)
	if left > 0 {
		fmt.Fprintf(&b, `<text x="14" y="%g" class="muted">and %s more steps</text>`, y, grouped(left))
		y += lineHeight
	}
	return b.String(), y
}
