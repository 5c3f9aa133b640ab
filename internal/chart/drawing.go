package chart

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// drawing is a picture that is being written. Its part between left and right, top and
// bottom has the lines; above lie the title, the legend, and the labels of the marks.
type drawing struct {
	b                        strings.Builder
	x, y                     scale
	width, height            float64
	left, right, top, bottom float64
}

func newDrawing(width, height float64, x scale) *drawing {
	return &drawing{x: x, width: width, height: height, left: 58, right: width - 16, top: 40, bottom: height - 22}
}

// size is one that can be drawn.
func size(v, standard, least float64) float64 {
	if !finite(v) || v <= 0 {
		return standard
	}
	return math.Round(min(max(v, least), 4000))
}

// extent is what makes a picture one of its own, or a part of another.
type extent func(width, height float64) string

func scales(float64, float64) string { return `width="100%"` }

func inset(y float64) extent {
	return func(width, height float64) string {
		return fmt.Sprintf(`y="%g" width="%g" height="%g"`, y, width, height)
	}
}

func (d *drawing) begin(how extent, words, heading string, labels bool) {
	d.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" %s role="img" font-family="system-ui, sans-serif" font-size="11" fill="currentColor"><title>%s</title>`,
		d.width, d.height, how(d.width, d.height), escaped(words))
	if labels {
		d.top += 8
	}
	d.text(d.left, 14, "start", "bold", heading)
}

func (d *drawing) end() string {
	d.put("</svg>")
	return d.b.String()
}

func (d *drawing) put(format string, args ...any) { fmt.Fprintf(&d.b, format, args...) }

func (d *drawing) text(x, y float64, anchor, weight, text string) {
	d.put(`<text x="%.1f" y="%.1f" text-anchor="%s" font-weight="%s">%s</text>`, x, y, anchor, weight, escaped(text))
}

// clock are the numbers of the horizontal axis.
func (d *drawing) clock() {
	for _, tick := range d.x.ticks() {
		d.text(d.x.place(tick, d.left, d.right), d.bottom+15, "middle", "normal", clock(tick, d.x.to-d.x.from))
	}
}

// legend is where an entry of so many has its place, and how wide that is.
func (d *drawing) legend(i, n int) (x, room float64) {
	room = min(130, (d.right-d.left)/float64(n))
	return d.left + float64(i)*room, room
}

func labelled(marks []Mark) bool {
	for _, m := range marks {
		if m.Label != "" {
			return true
		}
	}
	return false
}

func (d *drawing) marks(all []Mark) {
	for _, m := range all {
		if !finite(m.At) {
			continue
		}
		x := d.x.place(m.At, d.left, d.right)
		d.put(`<path d="M%.1f %.1fV%.1f" stroke="currentColor" stroke-opacity=".6" stroke-dasharray="1 3">`, x, d.top, d.bottom)
		if m.Text != "" {
			d.put(`<title>%s</title>`, escaped(m.Text))
		}
		d.put("</path>")
		if m.Label != "" {
			d.text(x, d.top-3, "middle", "bold", m.Label)
		}
	}
}

// pen draws one line, or the area below it, with gaps.
type pen struct {
	b            strings.Builder
	stairs, area bool
	floor        float64 // of the area
	down         bool
	first, x, y  float64
}

func (p *pen) to(x, y float64) {
	x, y = math.Round(10*x)/10, math.Round(10*y)/10
	switch {
	case !p.down:
		p.b.WriteString(tenths("M", x) + tenths(" ", y))
		p.down, p.first = true, x
	case !p.stairs:
		p.b.WriteString(tenths("L", x) + tenths(" ", y))
	case y != p.y: // a line that goes on as it was needs no point
		p.b.WriteString(tenths("H", x) + tenths("V", y))
	}
	p.x, p.y = x, y
}

// lift ends what is drawn.
func (p *pen) lift() {
	if !p.down {
		return
	}
	if p.stairs {
		p.b.WriteString(tenths("H", p.x))
	}
	if p.area {
		p.b.WriteString(tenths("V", p.floor) + tenths("H", p.first) + "z")
	}
	p.down = false
}

// tenths has one decimal, where one is needed: a line has many of them.
func tenths(command string, v float64) string {
	return command + strconv.FormatFloat(math.Round(10*v)/10, 'f', -1, 64)
}

// cut leaves of a text what about fits.
func cut(s string, room float64) string {
	most := int(max(3, room/5.6))
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
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
	return strconv.FormatFloat(math.Round(v*100)/100+0, 'f', -1, 64) // without the sign of -0
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
