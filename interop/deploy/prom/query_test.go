package prom_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// targets are the labels that a scrape adds.
var targets = []string{"job", "instance"}

// check returns what a query asks for that is not there: a metric, a label of it, a value
// that the label can have; and the labels that its result can be told apart by.
func (c catalogue) check(query string) (metrics, told []string, err error) {
	tree, err := parser.ParseExpr(query)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", query, err)
	}
	var errs []error
	known := map[string]bool{}
	for _, label := range targets {
		known[label] = true
	}
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		metrics = append(metrics, selector.Name)
		for label := range c[selector.Name] {
			known[label] = true
		}
		errs = append(errs, c.selects(selector))
		return nil
	})
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		var by []string
		switch n := node.(type) {
		case *parser.AggregateExpr:
			by = n.Grouping
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				by = n.VectorMatching.MatchingLabels
			}
		}
		for _, label := range by {
			if !known[label] {
				errs = append(errs, fmt.Errorf("%s: nothing in it has the label %s", query, label))
			}
		}
		return nil
	})
	if outermost, ok := aggregation(tree); ok {
		return metrics, outermost.Grouping, errors.Join(errs...)
	}
	return metrics, slices.Sorted(maps.Keys(known)), errors.Join(errs...)
}

// aggregation finds the one that shapes the result: histogram_quantile(sum by (...)).
func aggregation(tree parser.Expr) (*parser.AggregateExpr, bool) {
	switch n := tree.(type) {
	case *parser.AggregateExpr:
		return n, true
	case *parser.Call:
		for _, arg := range n.Args {
			if found, ok := aggregation(arg); ok {
				return found, true
			}
		}
	case *parser.BinaryExpr:
		return aggregation(n.LHS)
	}
	return nil, false
}

func (c catalogue) selects(selector *parser.VectorSelector) error {
	metric, ok := c[selector.Name]
	if !ok {
		return fmt.Errorf("%s: there is no such metric", selector.Name)
	}
	var errs []error
	for _, m := range selector.LabelMatchers {
		switch values, ok := metric[m.Name]; {
		case m.Name == labels.MetricName, slices.Contains(targets, m.Name):
		case !ok:
			errs = append(errs, fmt.Errorf("%s has no label %s", selector.Name, m.Name))
		case strings.HasPrefix(m.Value, "$"):
		case !slices.ContainsFunc(alternatives(m), func(value string) bool { return values[value] }):
			errs = append(errs, fmt.Errorf("%s: %s is never %q", selector.Name, m.Name, m.Value))
		}
	}
	return errors.Join(errs...)
}

// alternatives are those of "a|b".
func alternatives(m *labels.Matcher) []string {
	if m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp {
		return strings.Split(m.Value, "|")
	}
	return []string{m.Value}
}

func TestWhatAQueryAsksFor(t *testing.T) {
	c := catalogue{}
	c.add("up_total", "probe", "readiness")
	c.add("took_bucket", "le", "+Inf")
	tests := map[string]string{
		`sum by (probe) (rate(up_total{probe="readiness",job="x"}[1m]))`: "",
		`histogram_quantile(0.9, sum by (le) (rate(took_bucket[1m])))`:   "",
		`up_total{probe=~"liveness|readiness"} == 1`:                     "",
		`up_total unless on (instance, probe) up_total`:                  "",
		`rate(down_total[1m])`:                                           "down_total: there is no such metric",
		`up_total == 1 unless down_total`:                                "down_total: there is no such metric",
		`up_total{check="db"}`:                                           "up_total has no label check",
		`up_total{probe="ready"}`:                                        `up_total: probe is never "ready"`,
		`sum by (check) (up_total)`:                                      "nothing in it has the label check",
		`up_total unless on (check) up_total`:                            "nothing in it has the label check",
		`sum(up_total`:                                                   "unclosed left parenthesis",
		`rate(up_total)`:                                                 "expected type range vector",
	}
	for query, want := range tests {
		t.Run(query, func(t *testing.T) {
			_, _, err := c.check(query)
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, want)
		})
	}
}

// placeholders are the words of a text that Prometheus or Grafana replaces by labels.
func placeholders(text string) []string {
	var found []string
	for _, match := range regexp.MustCompile(`\{\{ ?(?:\$labels\.)?([a-z_]+) ?\}\}`).FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}
