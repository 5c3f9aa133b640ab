package chart_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/internal/chart"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files")

func steps(values ...float64) (points []chart.Point) {
	for i, v := range values {
		points = append(points, chart.Point{At: float64(10 * i), Value: v})
	}
	return points
}

func TestGolden(t *testing.T) {
	tests := map[string]chart.Chart{
		"empty": {Title: "nothing"},
		"share": {Title: "share", Unit: "%", Top: 100, Lines: []chart.Line{
			{Name: "new", Color: chart.Blue, Stairs: true, Points: steps(0, 5, 20, 50, 100)},
		}, Marks: []chart.Mark{{At: 10, Text: "step 1 of 4"}}},
		"evidence": {Title: "evidence", Log: true, Lines: []chart.Line{
			{Name: "errors", Color: chart.Red, Points: steps(1, 0.4, 22, 1350)},
			{Name: "threshold", Dashed: true, Points: steps(1000, 1000, 1000, 1000)},
		}},
		"gap":   {Title: "a gap", Lines: []chart.Line{{Name: "old", Points: steps(1, math.NaN(), 2, math.Inf(1), 3, 4)}}},
		"texts": {Title: `<script>"&'`, Unit: "\x00", Lines: []chart.Line{{Name: "</svg>\xff", Color: `"/>`, Points: steps(1, 2)}}, Marks: []chart.Mark{{Text: "<b>"}}},
		"stacked": {Title: "answers", Stacked: true, From: -1, To: 45, Width: 400, Height: 120, Lines: []chart.Line{
			{Name: "v1", Color: chart.Blue, Stairs: true, Points: steps(200, 200, 100, 0, 0)},
			{Name: "v2", Color: chart.Orange, Stairs: true, Points: steps(0, math.NaN(), 100, 200, 200)},
		}, Marks: []chart.Mark{{At: 20, Text: "v1-1 signalled", Label: "1"}, {At: 30, Text: "v1-2 signalled"}}},
		"hours": {Title: "hours", Lines: []chart.Line{{Name: "a", Points: []chart.Point{{At: 0, Value: 0.001}, {At: 40000, Value: 0.002}}}}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) { requireGolden(t, name, c.SVG()) })
	}
}

func TestGoldenRows(t *testing.T) {
	solid := chart.Bar{From: 10, To: 20, Color: chart.Blue}
	tests := map[string]chart.Rows{
		"rows-empty": {Title: "nothing"},
		"rows": {
			Title: "processes", From: -1, To: 40, Width: 400,
			Legend: []chart.Key{{Name: "starting", Shape: chart.Thin}, {Name: "ready"}, {Name: "draining", Shape: chart.Hollow}},
			Rows: []chart.Row{
				{Name: "v1-1", Text: "v1-1, from 0 to 30 s", Bars: []chart.Bar{{From: -1, To: 10, Color: chart.Blue, Shape: chart.Thin}, solid, {From: 20, To: 30, Color: chart.Blue, Shape: chart.Hollow}}},
				{Name: "v2-2", Bars: []chart.Bar{{From: 15, To: math.Inf(1), Color: chart.Orange}}},
				{Name: "a name that has no room"},
			},
			Marks: []chart.Mark{{At: 20, Text: "v1-1 signalled", Label: "1"}},
		},
		"rows-wrong": {Title: `<script>"&'`, Rows: []chart.Row{
			{Name: "</svg>\xff", Text: "\x00", Bars: []chart.Bar{{From: 20, To: 10}, {From: math.NaN(), To: 1}, {From: 1, To: math.NaN()}, {From: math.Inf(-1), To: 1, Color: `"/>`, Shape: 7}, {From: 5, To: 5}}},
		}},
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) { requireGolden(t, name, r.SVG()) })
	}
}

func requireGolden(t *testing.T, name, svg string) {
	t.Helper()
	wellFormed(t, svg)
	file := filepath.Join("testdata", name+".svg")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(svg+"\n"), 0o600))
	}
	golden, err := os.ReadFile(file)
	require.NoError(t, err, "go test -update writes it")
	require.Equal(t, string(golden), svg+"\n")
}

func TestAnInsetIsThePictureInAnother(t *testing.T) {
	c := chart.Chart{Title: "share", Width: 400, Height: 120}
	require.Contains(t, c.SVG(), ` viewBox="0 0 400 120" width="100%"`)
	require.Equal(t, strings.Replace(c.SVG(), `width="100%"`, `y="30" width="400" height="120"`, 1), c.Inset(30))
	r := chart.Rows{Width: 400, Rows: make([]chart.Row, 3)}
	require.Contains(t, r.Inset(30), ` y="30" width="400" height="118"`)
	require.Equal(t, 118.0, r.Height())
}

// Without the sizes that nobody can draw.
func TestSizes(t *testing.T) {
	for width, want := range map[float64]string{
		0: "640", -1: "640", math.Inf(1): "640", math.NaN(): "640", 1: "240", 900: "900", 1e9: "4000",
	} {
		require.Contains(t, chart.Chart{Width: width}.SVG(), `viewBox="0 0 `+want+` 190"`)
		require.Contains(t, chart.Rows{Width: width}.SVG(), `viewBox="0 0 `+want+` 86"`)
	}
}

var (
	view  = regexp.MustCompile(` viewBox="0 0 ([0-9]+) ([0-9]+)"`)
	path  = regexp.MustCompile(` d="([^"]*)"`)
	place = regexp.MustCompile(`([MLHV])([-0-9.]+)(?: ([-0-9.]+))?`)
)

// wellFormed also requires that no line leaves the picture.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	elements := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, svg)
		if e, ok := token.(xml.StartElement); ok {
			elements[e.Name.Local]++
		}
	}
	require.Equal(t, 1, elements["svg"])
	for name := range elements {
		require.Contains(t, []string{"svg", "title", "text", "path", "g"}, name)
	}
	size := view.FindStringSubmatch(svg)
	width, height := parsed(t, size[1]), parsed(t, size[2])
	for _, d := range path.FindAllStringSubmatch(svg, -1) {
		require.NotRegexp(t, "NaN|Inf|e", d[1])
		for _, m := range place.FindAllStringSubmatch(d[1], -1) {
			switch at := parsed(t, m[2]); m[1] {
			case "V":
				require.True(t, at >= 0 && at <= height, d[1])
			case "H":
				require.True(t, at >= 0 && at <= width, d[1])
			default:
				y := parsed(t, m[3])
				require.True(t, at >= 0 && at <= width && y >= 0 && y <= height, d[1])
			}
		}
	}
}

func parsed(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}

// FuzzSVG draws what nobody would.
func FuzzSVG(f *testing.F) {
	f.Add("a", 0.0, 1.0, 2.0, 3.0, false)
	f.Add("\x00<", math.Inf(1), math.NaN(), -1e308, 1e308, true)
	f.Add("x", 1e308, 1e-320, 1e308, -1e308, true)
	f.Add("x", 5e9, 1.0, 5e9, 1.0, false)
	f.Fuzz(func(t *testing.T, text string, x1, y1, x2, y2 float64, log bool) {
		c := chart.Chart{Title: text, Unit: text, Log: log, Top: y2, Marks: []chart.Mark{{At: x2, Text: text}}, Lines: []chart.Line{
			{Name: text, Color: text, Dashed: log, Stairs: !log, Points: []chart.Point{{At: x1, Value: y1}, {At: x2, Value: y2}}},
		}}
		svg := c.SVG()
		require.Less(t, len(svg), 20_000+30*len(text))
		wellFormed(t, svg)
		c.Stacked, c.Width, c.Height, c.From, c.To = true, x1, y1, y1, y2
		wellFormed(t, c.SVG())
		r := chart.Rows{Title: text, From: y1, To: y2, Width: x2, Marks: []chart.Mark{{At: y1, Label: text}}, Legend: []chart.Key{{Name: text, Shape: chart.Shape(x1)}}, Rows: []chart.Row{
			{Name: text, Bars: []chart.Bar{{From: x1, To: x2, Color: text}, {From: y2, To: y1, Shape: chart.Hollow}}},
		}}
		svg = r.SVG()
		require.Less(t, len(svg), 20_000+30*len(text))
		wellFormed(t, svg)
	})
}
