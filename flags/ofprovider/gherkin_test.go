package ofprovider_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scenario is one of a feature file: an outline gives one for each row of its examples.
type scenario struct {
	name  string
	tags  []string
	steps []step
}

// step is a line of a scenario without its first word, and the table below it.
type step struct {
	text  string
	table [][]string
}

// reader reads as much of Gherkin as flagd's evaluator kit has: no doc strings, no
// rules, no comments behind a step.
type reader struct {
	file       string
	background []step
	feature    []string // tags
	tags       []string // that wait for what they belong to

	outline  scenario
	examples []string // tags of the present table of examples
	header   []string
	in       string // what the lines belong to

	all []scenario
}

func scenariosOf(t *testing.T, path string) []scenario {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	r := &reader{file: strings.TrimSuffix(filepath.Base(path), ".feature")}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			r.line(t, line)
		}
	}
	r.end()
	return r.all
}

func (r *reader) line(t *testing.T, line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case line[0] == '@':
		r.tags = append(r.tags, strings.Fields(line)...)
	case line[0] == '|':
		r.row(line)
	case word == "Feature:":
		r.feature, r.tags = r.tags, nil
		r.in = "feature"
	case word == "Background:":
		r.in = "background"
	case word == "Scenario:", strings.HasPrefix(line, "Scenario Outline:"):
		r.end()
		_, name, _ := strings.Cut(line, ": ")
		r.outline = scenario{name: r.file + ": " + name, tags: slices.Concat(r.feature, r.tags), steps: slices.Clone(r.background)}
		r.tags, r.in = nil, "scenario"
	case word == "Examples:":
		r.examples, r.tags = r.tags, nil
		r.header, r.in = nil, "examples"
	case slices.Contains([]string{"Given", "When", "Then", "And", "But"}, word):
		r.step(rest)
	default:
		require.Equal(t, "feature", r.in, "a line that this reader does not know: %s", line) // prose
	}
}

func (r *reader) step(text string) {
	if r.in == "background" {
		r.background = append(r.background, step{text: text})
		return
	}
	r.outline.steps = append(r.outline.steps, step{text: text})
}

// row is one of a step's table or of the examples.
func (r *reader) row(line string) {
	var cells []string
	for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
		cells = append(cells, strings.TrimSpace(cell))
	}
	if r.in != "examples" {
		last := &r.outline.steps[len(r.outline.steps)-1]
		last.table = append(last.table, cells)
		return
	}
	if r.header == nil {
		r.header = cells
		return
	}
	var pairs []string
	for i, name := range r.header {
		pairs = append(pairs, "<"+name+">", cells[i])
	}
	fill := strings.NewReplacer(pairs...)
	s := scenario{name: r.outline.name + ": " + strings.Join(cells, ", "), tags: slices.Concat(r.outline.tags, r.examples)}
	for _, st := range r.outline.steps {
		s.steps = append(s.steps, step{text: fill.Replace(st.text), table: st.table})
	}
	r.all = append(r.all, s)
}

// end closes a scenario without examples.
func (r *reader) end() {
	if r.in == "scenario" {
		r.all = append(r.all, r.outline)
	}
}
