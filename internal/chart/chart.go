package chart

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Chart is one picture. Its zero value is an empty one.
type Chart struct {
	Title string
	Unit  string  // of the vertical axis: "%", "per second"
	Log   bool    // powers of ten are equally far from each other; what is not above 0.01 lies at the bottom
	Top   float64 // the vertical axis reaches as far as this at least
	Lines []Line
	Marks []Mark
}

// Line is a row of numbers.
type Line struct {
	Name   string
	Color  string // default Gray
	Dashed bool
	Stairs bool // what is so stays so until the next point
	Points []Point
}

// Point is a number at a time, which is in seconds. Points ascend by their time.
type Point struct{ At, Value float64 }

// Mark is a moment at which something was done.
type Mark struct {
	At   float64
	Text string
}

// Colors that people tell apart who do not see red and green, on white and on black.
const (
	Blue   = "#2f7fd1"
	Orange = "#d9730d"
	Violet = "#9a5fd0"
	Red    = "#d0342c"
	Gray   = "#808080"
)

// The picture, and the part of it that has the lines, in its own units.
const (
	width, height            = 640.0, 190.0
	left, right, top, bottom = 58.0, 630.0, 40.0, 168.0
)

// SVG is the picture. It scales with the page.
func (c Chart) SVG() string {
	d := drawing{x: c.times(), y: c.values()}
	d.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="100%%" role="img" font-family="system-ui, sans-serif" font-size="11" fill="%s"><title>%s</title>`,
		width, height, Gray, escaped(c.words()))
	d.text(left, 14, "start", "bold", c.heading())
	d.axes()
	for _, m := range c.Marks {
		d.mark(m)
	}
	for i, l := range c.Lines {
		d.name(i, len(c.Lines), l)
		d.line(l)
	}
	d.put("</svg>")
	return d.b.String()
}

// words are what is drawn, for who does not see it.
func (c Chart) words() string {
	var all []string
	for _, l := range c.Lines {
		for _, p := range slices.Backward(l.Points) {
			if finite(p.Value) {
				all = append(all, strings.TrimSpace(l.Name+" "+number(p.Value)))
				break
			}
		}
	}
	if len(all) == 0 {
		return c.heading() + ": nothing yet"
	}
	return c.heading() + ", at the end: " + strings.Join(all, "; ")
}

func (c Chart) heading() string {
	if c.Unit == "" {
		return c.Title
	}
	return c.Title + ", " + c.Unit
}

// drawing is a picture that is being written.
type drawing struct {
	b    strings.Builder
	x, y scale
}

func (d *drawing) put(format string, args ...any) { fmt.Fprintf(&d.b, format, args...) }

func (d *drawing) text(x, y float64, anchor, weight, text string) {
	d.put(`<text x="%.1f" y="%.1f" text-anchor="%s" font-weight="%s">%s</text>`, x, y, anchor, weight, escaped(text))
}

func (d *drawing) axes() {
	for _, tick := range d.y.ticks() {
		y := d.y.place(tick, bottom, top)
		d.put(`<path d="M%.1f %.1fH%.1f" stroke="%s" stroke-opacity=".25"/>`, left, y, right, Gray)
		d.text(left-6, y+4, "end", "normal", number(tick))
	}
	for _, tick := range d.x.ticks() {
		d.text(d.x.place(tick, left, right), bottom+15, "middle", "normal", clock(tick, d.x.to-d.x.from))
	}
}

func (d *drawing) mark(m Mark) {
	if !finite(m.At) {
		return
	}
	x := d.x.place(m.At, left, right)
	d.put(`<path d="M%.1f %.1fV%.1f" stroke="%s" stroke-dasharray="1 3"><title>%s</title></path>`, x, top, bottom, Gray, escaped(m.Text))
}

// name is a part of the legend, in a line of its own.
func (d *drawing) name(i, n int, l Line) {
	x := left + float64(i)*min(130, (right-left)/float64(n))
	d.stroke(l, fmt.Sprintf("M%.1f 26h16", x))
	d.text(x+20, 30, "start", "normal", l.Name)
}

func (d *drawing) line(l Line) {
	var path strings.Builder
	pen, last := "M", 0.0
	for _, p := range l.Points {
		if !finite(p.At) || !finite(p.Value) {
			pen = "M"
			continue
		}
		x, y := d.x.place(p.At, left, right), d.y.place(p.Value, bottom, top)
		if pen == "L" && l.Stairs {
			fmt.Fprintf(&path, "L%.1f %.1f", x, last)
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, x, y)
		pen, last = "L", y
	}
	if path.Len() > 0 {
		d.stroke(l, path.String())
	}
}

func (d *drawing) stroke(l Line, path string) {
	dashes := ""
	if l.Dashed {
		dashes = ` stroke-dasharray="5 4"`
	}
	d.put(`<path d="%s" fill="none" stroke="%s" stroke-width="1.6" stroke-linejoin="round"%s/>`, path, escaped(cmp.Or(l.Color, Gray)), dashes)
}

// escaped is a text as XML has it, without the characters that it refuses.
func escaped(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�")))
}

// number is one for people.
func number(v float64) string {
	if a := math.Abs(v); a != 0 && (a >= 1e6 || a < 0.01) {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// clock is a time, in a unit that suits all that there is.
func clock(seconds, span float64) string {
	switch {
	case span > 3*3600:
		return number(seconds/3600) + " h"
	case span > 3*60:
		return number(seconds/60) + " min"
	}
	return number(seconds) + " s"
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
