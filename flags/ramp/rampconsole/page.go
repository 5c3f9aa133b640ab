package rampconsole

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handover-go/handover/internal/chart"
)

// A table that is wider than the screen is moved in its own box, and a picture is there
// twice: the one that is narrow can be read on a phone.
const style = `
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #ddd; --good: #17692c; --warn: #8a5a00; --bad: #b00020 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e4; --paper: #161616; --line: #444; --good: #6ccf86; --warn: #e3ae55; --bad: #ff8a8a } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em; max-width: 60em; color: var(--ink); background: var(--paper); overflow-wrap: anywhere }
h1 { margin: .3em 0; font-size: 1.7em } h2 { margin: 1.5em 0 .3em; font-size: 1.2em } h3 { margin: 1em 0 .2em; font-size: 1em }
table { display: block; max-width: 100%; overflow-x: auto; border-collapse: collapse; overflow-wrap: break-word }
th, td { text-align: left; vertical-align: top; padding: .2em 1.2em .2em 0; border-bottom: 1px solid var(--line); max-width: 30em }
.n { white-space: nowrap } meter { width: 10em }
svg { display: block; width: 100%; height: auto; max-width: 44rem; margin: .6em 0 } .narrow { display: none }
.good { color: var(--good) } .warn { color: var(--warn) } .bad { color: var(--bad); font-weight: bold }
@media (max-width: 719px) { body { margin: 1em } th, td { padding-right: .9em; max-width: 20em } meter { width: 5em } .text { min-width: 14em } .wide { display: none } .narrow { display: block } .narrow svg { max-width: 30rem } }
`

// policy lets a page have its own style, and nothing else.
func policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// paper is HTML that is being written, by hand: html/template would keep the linker from
// leaving out what nobody calls.
type paper struct{ b bytes.Buffer }

// put writes markup with a %s for each text. Texts are escaped, whatever they are. In
// attributes, %s stands in quotes.
func (p *paper) put(markup string, texts ...string) {
	escaped := make([]any, len(texts))
	for i, text := range texts {
		escaped[i] = html.EscapeString(text)
	}
	fmt.Fprintf(&p.b, markup, escaped...)
}

// page is for people. It comes again every 5 s.
func (v View) page() []byte {
	var p paper
	p.b.WriteString(`<!DOCTYPE html>` + "\n" + `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5"><title>Ramps</title><style>` + style + "</style></head><body>\n<h1>Ramps</h1>\n")
	switch {
	case v.Leader == "" && v.Met == nil && v.Error == "":
		p.put("<p>Nobody leads: %s has not met a store.</p>\n", v.ID)
	default:
		p.put("<p><b>%s</b> leads. This is %s.</p>\n", v.Leader, v.ID)
	}
	if v.Error != "" {
		p.put("<p class=\"bad\">%s</p>\n", v.Error)
	}
	if len(v.Instances) > 0 {
		p.put("<table><tr><th>instance</th><th>version of the code</th><th></th></tr>\n")
		for _, i := range v.Instances {
			p.put("<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n", i.ID, i.Version, word(i.Stale, "stale"))
		}
		p.put("</table>\n")
	}
	if len(v.Ramps) == 0 {
		p.put("<p>No ramps.</p>\n")
	}
	for _, r := range v.Ramps {
		r.write(&p)
	}
	p.put("</body></html>\n")
	return p.b.Bytes()
}

func (r Ramp) write(p *paper) {
	p.put("<h2>%s</h2>\n<p>", r.Flag)
	switch {
	case r.Killed:
		p.put(`<span class="bad">killed</span>`)
	case r.State == "done":
		p.put(`<span class="good">done</span>`)
	case r.State == "paused":
		p.put(`<span class="warn">paused</span>`)
	case r.State == "":
		p.put("not begun")
	default:
		p.put("%s", r.State)
	}
	p.put(", at %s %%", number(r.Share))
	if r.Since != nil {
		p.put(" since %s", r.Since.UTC().Format(time.DateTime))
	}
	if r.Next > 0 {
		p.put(", next %s %%", number(r.Next))
	}
	p.put(". %s</p>\n", r.Why)
	r.arms(p)
	for _, w := range r.Waiting {
		p.put("<p class=\"warn\">Waits: %s</p>\n", w)
	}
	for _, c := range r.pictures() {
		p.b.WriteString(`<div class="wide">` + c.SVG() + "</div>")
		c.Width, c.Height = 340, 180
		p.b.WriteString(`<div class="narrow">` + c.SVG() + "</div>\n")
	}
	r.guards(p)
	r.changes(p)
}

// arms are a bar each, and what is known of it.
func (r Ramp) arms(p *paper) {
	p.put("<table><tr><th>arm</th><th>share</th><th></th><th>requests</th><th>failures</th><th>p50</th><th>p99</th></tr>\n")
	for _, a := range r.Arms {
		var failures []string
		for _, name := range slices.Sorted(maps.Keys(a.Failures)) {
			c := a.Failures[name]
			failures = append(failures, fmt.Sprintf("%s %d of %d (%.3g %%)", name, c.Failures, c.Requests, 100*float64(c.Failures)/float64(max(1, c.Requests))))
		}
		p.put(`<tr><td>%s</td><td><meter min="0" max="100" value="%s"></meter></td><td class="n">%s %%</td><td>%s</td><td class="text">%s</td><td class="n">%s ms</td><td class="n">%s ms</td></tr>`+"\n",
			a.Name, number(a.Share), number(a.Share), strconv.FormatUint(a.Requests, 10), strings.Join(failures, ", "), number(a.P50), number(a.P99))
	}
	p.put("</table>\n")
}

func (r Ramp) guards(p *paper) {
	if len(r.Guards) == 0 {
		p.put("<p>No guard.</p>\n")
		return
	}
	p.put("<h3>Guards</h3>\n<table><tr><th>of</th><th></th><th>requests of the step</th><th>evidence</th><th>why</th></tr>\n")
	for _, g := range r.Guards {
		var evidence []string
		for _, m := range g.Metrics {
			if m.Bound > 0 {
				evidence = append(evidence, fmt.Sprintf("%s %.3g of %.4g", m.Name, m.Evidence, m.Threshold))
			}
		}
		class := map[string]string{"passing": "good", "tripped": "bad"}[g.State]
		p.put(`<tr><td>%s</td><td><span class="%s">%s</span></td><td class="n">%s of %s</td><td class="text">%s</td><td class="text">%s</td></tr>`+"\n", g.Of, class, g.State,
			strconv.FormatUint(g.Seen, 10), strconv.FormatUint(g.Least, 10), strings.Join(evidence, ", "), g.Why)
	}
	p.put("</table>\n")
}

func (r Ramp) changes(p *paper) {
	if len(r.Changes) == 0 {
		return
	}
	p.put("<h3>Changes</h3>\n<table><tr><th>at</th><th>who</th><th></th><th>share</th><th>why</th></tr>\n")
	for _, c := range r.Changes {
		share := ""
		if c.Share != nil {
			share = number(*c.Share) + " %"
		}
		p.put("<tr><td class=\"n\">%s</td><td>%s</td><td>%s</td><td class=\"n\">%s</td><td class=\"text\">%s</td></tr>\n", c.At.UTC().Format(time.DateTime), c.Who, c.State, share, c.Why)
	}
	p.put("</table>\n")
}

// pictures are the share, and the evidence, over time.
func (r Ramp) pictures() []chart.Chart {
	if len(r.Points) == 0 {
		return nil
	}
	line := func(of func(Point) float64) (points []chart.Point) {
		for _, one := range r.Points {
			points = append(points, chart.Point{At: one.At.Sub(r.Points[0].At).Seconds(), Value: of(one)})
		}
		return points
	}
	names := map[string]bool{}
	for _, one := range r.Points {
		for name := range one.Evidence {
			names[name] = true
		}
	}
	share := chart.Chart{Title: "Share", Unit: "%", Top: 100, Lines: []chart.Line{
		{Name: "new", Color: chart.Orange, Stairs: true, Points: line(func(p Point) float64 { return p.Share })},
	}}
	if len(names) == 0 {
		return []chart.Chart{share}
	}
	evidence := chart.Chart{Title: "Evidence", Unit: "that a bound is broken", Log: true, Lines: []chart.Line{
		{Name: "threshold", Dashed: true, Points: line(func(p Point) float64 { return p.Needed })},
	}}
	colors := []string{chart.Red, chart.Violet, chart.Blue, chart.Orange}
	for i, name := range slices.Sorted(maps.Keys(names)) {
		evidence.Lines = append(evidence.Lines, chart.Line{Name: name, Color: colors[i%len(colors)], Points: line(func(p Point) float64 { return p.Evidence[name] })})
	}
	return []chart.Chart{share, evidence}
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func word(is bool, what string) string {
	if is {
		return what
	}
	return ""
}
