package chart

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Chart is one picture of numbers. Its zero value is an empty one.
type Chart struct {
	Title    string
	Unit     string  // of the vertical axis: "%", "per second"
	Log      bool    // powers of ten are equally far from each other; what is not above 0.01 lies at the bottom
	Stacked  bool    // each line lies on those before it, which have the same times, and is filled
	Top      float64 // the vertical axis reaches as far as this at least
	From, To float64 // so does the horizontal one, if they differ
	Lines    []Line
	Marks    []Mark

	Width, Height float64 // in units of which a letter has 11; default 640 and 190
}

// Line is a row of numbers.
type Line struct {
	Name   string
	Color  string // default Gray
	Dashed bool
	Filled bool // down to the bottom
	Stairs bool // what is so stays so until the next point
	Points []Point
}

// Point is a number at a time, which is in seconds. Points ascend by their time.
type Point struct{ At, Value float64 }

// Mark is a moment at which something was done.
type Mark struct {
	At    float64
	Text  string // for who points at it
	Label string // above it: a number, of what is explained elsewhere; default none
}

// Colors that people tell apart who do not see red and green, on white and on black.
const (
	Blue   = "#2f7fd1"
	Orange = "#d9730d"
	Violet = "#9a5fd0"
	Teal   = "#0f8f88"
	Red    = "#d0342c"
	Gray   = "#808080"
)

// SVG is the picture. It scales with the page.
func (c Chart) SVG() string { return c.draw(scales) }

// Inset is the picture as a part of another one, so far below its top.
func (c Chart) Inset(y float64) string { return c.draw(inset(y)) }

func (c Chart) draw(how extent) string {
	d := newDrawing(size(c.Width, 640, 240), size(c.Height, 190, 90), c.times())
	lines := c.Lines
	if c.Stacked {
		lines = stack(lines)
	}
	d.begin(how, c.words(), c.heading(), labelled(c.Marks))
	d.y = values(lines, c.Top, c.Log, min(max(1, math.Floor((d.bottom-d.top)/20)), 4))
	d.levels()
	d.clock()
	for i, l := range c.Lines {
		d.name(i, len(c.Lines), l, c.Stacked)
	}
	for _, l := range slices.Backward(lines) { // what comes first lies on top, as in the legend
		d.line(l)
	}
	d.marks(c.Marks)
	return d.end()
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

// stack puts each line on those before. Where one of them has no number, it counts as 0.
func stack(lines []Line) []Line {
	var all []Line
	var below []float64
	for _, l := range lines {
		points := slices.Clone(l.Points)
		for i := range points {
			if i == len(below) {
				below = append(below, 0)
			}
			if finite(points[i].Value) {
				below[i] = clamp(below[i] + clamp(points[i].Value))
			}
			points[i].Value = below[i]
		}
		l.Points, l.Filled, l.Dashed = points, true, false
		all = append(all, l)
	}
	return all
}

// levels are the numbers of the vertical axis.
func (d *drawing) levels() {
	for _, tick := range d.y.ticks() {
		y := d.y.place(tick, d.bottom, d.top)
		d.put(`<path d="M%.1f %.1fH%.1f" stroke="%s" stroke-opacity=".25"/>`, d.left, y, d.right, Gray)
		d.text(d.left-6, y+4, "end", "normal", number(tick))
	}
}

// name is a part of the legend, in a line of its own.
func (d *drawing) name(i, n int, l Line, filled bool) {
	x, room := d.legend(i, n)
	if filled || l.Filled {
		d.put(`<path d="M%.1f 21h12v10h-12z" fill="%s"/>`, x+2, escaped(cmp.Or(l.Color, Gray)))
	} else {
		d.stroke(l, tenths("M", x)+" 26h16")
	}
	d.text(x+20, 30, "start", "normal", cut(l.Name, room-24))
}

func (d *drawing) line(l Line) {
	p := pen{stairs: l.Stairs, area: l.Filled, floor: d.bottom}
	for _, point := range l.Points {
		if !finite(point.At) || !finite(point.Value) {
			p.lift()
			continue
		}
		p.to(d.x.place(point.At, d.left, d.right), d.y.place(point.Value, d.bottom, d.top))
	}
	p.lift()
	switch path := p.b.String(); {
	case path == "":
	case l.Filled:
		d.put(`<path d="%s" fill="%s"/>`, path, escaped(cmp.Or(l.Color, Gray)))
	default:
		d.stroke(l, path)
	}
}

func (d *drawing) stroke(l Line, path string) {
	dashes := ""
	if l.Dashed {
		dashes = ` stroke-dasharray="5 4"`
	}
	d.put(`<path d="%s" fill="none" stroke="%s" stroke-width="1.6" stroke-linejoin="round"%s/>`, path, escaped(cmp.Or(l.Color, Gray)), dashes)
}
