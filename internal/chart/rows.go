package chart

import (
	"cmp"
	"strings"
)

// Rows is one picture of what was there when: a row for each, and bars in it. Its zero
// value is an empty one.
type Rows struct {
	Title    string
	Legend   []Key
	Rows     []Row
	Marks    []Mark
	From, To float64 // as in Chart
	Width    float64 // as in Chart; the height comes from the rows
}

// Row is one that was there.
type Row struct {
	Name string // about eight letters
	Text string // for who points at it, or does not see it; default the name
	Bars []Bar
}

// Bar is a time in which it was so. An end that is infinite is that of the picture.
type Bar struct {
	From, To float64
	Color    string // default Gray
	Shape    Shape
}

// Key is what a shape says.
type Key struct {
	Name  string
	Shape Shape
}

// Shape tells bars of one color apart.
type Shape int

// The shapes differ by their height, and by what is inside.
const (
	Solid Shape = iota
	Thin
	Hollow
)

const rowHeight = 16.0

// SVG is the picture. It scales with the page.
func (r Rows) SVG() string { return r.draw(scales) }

// Inset is the picture as a part of another one, so far below its top.
func (r Rows) Inset(y float64) string { return r.draw(inset(y)) }

// Height is what the picture needs, in the units of its width.
func (r Rows) Height() float64 { return 70 + rowHeight*max(1, float64(len(r.Rows))) }

func (r Rows) draw(how extent) string {
	d := newDrawing(size(r.Width, 640, 240), r.Height(), r.times())
	d.begin(how, r.words(), r.Title, true)
	d.clock()
	for i, key := range r.Legend {
		x, room := d.legend(i, len(r.Legend))
		d.bar(x, x+16, 26, Gray, key.Shape)
		d.text(x+20, 30, "start", "normal", cut(key.Name, room-24))
	}
	for i, row := range r.Rows {
		d.row(d.top+rowHeight*(float64(i)+.5), row)
	}
	d.marks(r.Marks)
	return d.end()
}

func (r Rows) words() string {
	var all []string
	for _, row := range r.Rows {
		all = append(all, cmp.Or(row.Text, row.Name))
	}
	if len(all) == 0 {
		return r.Title + ": nothing yet"
	}
	return r.Title + ": " + strings.Join(all, "; ")
}

func (d *drawing) row(y float64, r Row) {
	d.put(`<g><title>%s</title>`, escaped(cmp.Or(r.Text, r.Name)))
	d.text(d.left-6, y+4, "end", "normal", cut(r.Name, d.left-8))
	d.put(`<path d="M%.1f %.1fH%.1f" stroke="%s" stroke-opacity=".25"/>`, d.left, y, d.right, Gray)
	for _, b := range r.Bars {
		from, to := d.x.place(b.From, d.left, d.right), d.x.place(b.To, d.left, d.right)
		if from <= to { // of no number it is not so
			d.bar(from, to, y, cmp.Or(b.Color, Gray), b.Shape)
		}
	}
	d.put("</g>")
}

// bar is around a height. One that lasts no time is still seen.
func (d *drawing) bar(from, to, y float64, color string, s Shape) {
	half, fill := 5.5, 1.0
	switch s {
	case Thin:
		half, fill = 1.5, 1
	case Hollow:
		half, fill = 5, .25
	}
	to = min(max(to, from+1), d.right)
	from = min(from, to-1)
	d.put(`<path d="M%.1f %.1fH%.1fV%.1fH%.1fz" fill="%s" fill-opacity="%g"`, from, y-half, to, y+half, from, escaped(color), fill)
	if s == Hollow {
		d.put(` stroke="%s"`, escaped(color))
	}
	d.put("/>")
}
