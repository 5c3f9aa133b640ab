package definition_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scenario is one of a feature file, its background and the row of its examples put in.
type scenario struct {
	name  string // and the row
	tags  []string
	steps []step
}

type step struct {
	text  string // without Given, When, Then, And
	table [][]string
}

// gherkin reads as much of the language as the kit uses: tags, backgrounds, outlines
// with any number of tagged examples, and tables.
type gherkin struct {
	tags       []string // that the next section will have
	feature    []string
	background []step
	current    *scenario
	examples   bool
	rowTags    []string
	header     []string
	scenarios  []scenario
	outline    bool
}

func readFeature(t *testing.T, text string) []scenario {
	t.Helper()
	g := &gherkin{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch keyword, rest, _ := strings.Cut(line, ":"); {
		case line == "" || line[0] == '#':
		case line[0] == '@':
			g.tags = append(g.tags, strings.Fields(line)...)
		case line[0] == '|':
			g.row(cells(line))
		case keyword == "Feature":
			g.feature, g.tags = g.tags, nil
		case keyword == "Background" || keyword == "Scenario" || keyword == "Scenario Outline":
			g.begin(keyword, strings.TrimSpace(rest))
		case keyword == "Examples":
			g.examples, g.header = true, nil
			g.rowTags, g.tags = g.tags, nil
		case g.current != nil:
			_, text, ok := strings.Cut(line, " ")
			require.True(t, ok, line)
			g.current.steps = append(g.current.steps, step{text: text})
		}
	}
	g.end()
	return g.scenarios
}

func (g *gherkin) begin(keyword, name string) {
	g.end()
	g.current = &scenario{name: name, tags: slices.Concat(g.feature, g.tags)}
	if keyword != "Background" {
		g.current.steps = slices.Clone(g.background)
	}
	g.outline, g.examples, g.tags = keyword == "Scenario Outline", false, nil
}

// end of a section: a scenario is complete, an outline was by its rows.
func (g *gherkin) end() {
	switch {
	case g.current == nil || g.outline:
	case g.current.name == "" && len(g.scenarios) == 0:
		g.background = g.current.steps
	default:
		g.scenarios = append(g.scenarios, *g.current)
	}
	g.current = nil
}

func (g *gherkin) row(row []string) {
	switch {
	case !g.examples:
		last := &g.current.steps[len(g.current.steps)-1]
		last.table = append(last.table, row)
	case g.header == nil:
		g.header = row
	default:
		var pairs []string
		for i, name := range g.header {
			pairs = append(pairs, "<"+name+">", row[i])
		}
		put := strings.NewReplacer(pairs...)
		one := scenario{
			name: g.current.name + ": " + strings.Join(row, " "),
			tags: slices.Concat(g.current.tags, g.rowTags),
		}
		for _, s := range g.current.steps {
			one.steps = append(one.steps, step{put.Replace(s.text), s.table})
		}
		g.scenarios = append(g.scenarios, one)
	}
}

func cells(line string) []string {
	all := strings.Split(strings.Trim(line, "|"), "|")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

func TestGherkin(t *testing.T) {
	scenarios := readFeature(t, `@all
Feature: f
  # a comment
  Background:
    Given it
  @one
  Scenario: s
    When a: b
      | k | v |
      | 1 |   |
  Scenario Outline: o
    Then <x> is "<y>"
    @first
    Examples: some
      | x | y  |
      | 1 | 10 |
      | 2 | 20 |
    @second @third
    Examples:
      | y  | x |
      | 30 | 3 |`)
	require.Equal(t, []scenario{
		{"s", []string{"@all", "@one"}, []step{{"it", nil}, {"a: b", [][]string{{"k", "v"}, {"1", ""}}}}},
		{"o: 1 10", []string{"@all", "@first"}, []step{{"it", nil}, {`1 is "10"`, nil}}},
		{"o: 2 20", []string{"@all", "@first"}, []step{{"it", nil}, {`2 is "20"`, nil}}},
		{"o: 30 3", []string{"@all", "@second", "@third"}, []step{{"it", nil}, {`3 is "30"`, nil}}},
	}, scenarios)
}
