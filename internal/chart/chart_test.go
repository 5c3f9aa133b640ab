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
		"hours": {Title: "hours", Lines: []chart.Line{{Name: "a", Points: []chart.Point{{At: 0, Value: 0.001}, {At: 40000, Value: 0.002}}}}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			svg := c.SVG()
			wellFormed(t, svg)
			file := filepath.Join("testdata", name+".svg")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(svg+"\n"), 0o600))
			}
			golden, err := os.ReadFile(file)
			require.NoError(t, err, "go test -update writes it")
			require.Equal(t, string(golden), svg+"\n")
		})
	}
}

var (
	path  = regexp.MustCompile(` d="([^"]*)"`)
	place = regexp.MustCompile(`[ML]([^ ]+) ([-0-9.]+)`)
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
		require.Contains(t, []string{"svg", "title", "text", "path"}, name)
	}
	var lines strings.Builder
	for _, d := range path.FindAllStringSubmatch(svg, -1) {
		lines.WriteString(d[1])
	}
	for _, m := range place.FindAllStringSubmatch(lines.String(), -1) {
		x, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		y, err := strconv.ParseFloat(m[2], 64)
		require.NoError(t, err)
		require.True(t, x >= 0 && x <= 640 && y >= 0 && y <= 190, m[0])
	}
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
	})
}
