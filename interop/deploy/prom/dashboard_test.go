package prom_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/interop/deploy/snippettest"
)

// dashboard is what Grafana reads and the snippet has, and nothing else: Grafana's own
// types are generated from its front end, and their Go module is as large as all of this.
type dashboard struct {
	Title, UID, Description, Timezone, Refresh string
	Tags                                       []string
	SchemaVersion, Version, GraphTooltip       int
	Editable                                   bool
	Time                                       struct{ From, To string }
	Templating                                 struct{ List []variable }
	Annotations                                struct{ List []annotation }
	Panels                                     []panel
}

type source struct{ Type, UID string }

type variable struct {
	Name, Label, Type, Query, AllValue string
	Datasource                         source
	Refresh, Sort                      int
	IncludeAll, Multi                  bool
	Current                            struct{ Text, Value string }
}

type annotation struct {
	Name, IconColor, Expr, TitleFormat string
	Datasource                         source
	Enable                             bool
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               source
	Collapsed                bool
	GridPos                  struct{ H, W, X, Y int }
	FieldConfig              struct {
		Defaults struct {
			Unit   string
			Min    float64
			Custom map[string]any
		}
		Overrides []any
	}
	Options map[string]any
	Targets []target
	Panels  []panel
}

type target struct {
	RefID, Expr, LegendFormat string
	Datasource                source
}

func read(t *testing.T) dashboard {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader([]byte(snippettest.Read(t, "grafana/dashboard.json"))))
	decoder.DisallowUnknownFields()
	var d dashboard
	require.NoError(t, decoder.Decode(&d))
	return d
}

// asked are the queries of the dashboard, as Grafana would ask them.
func (d dashboard) asked() []target {
	var all []target
	for _, p := range d.Panels {
		all = append(all, p.Targets...)
	}
	for _, a := range d.Annotations.List {
		all = append(all, target{Expr: a.Expr, LegendFormat: a.TitleFormat})
	}
	for i := range all {
		all[i].Expr = strings.ReplaceAll(all[i].Expr, "$__rate_interval", "1m")
	}
	return all
}

func TestTheDashboardAsksForMetricsThatExist(t *testing.T) {
	have, d := observed(t), read(t)
	shown := map[string]bool{}
	for _, q := range d.asked() {
		metrics, told, err := have.check(q.Expr)
		require.NoError(t, err)
		for _, label := range placeholders(q.LegendFormat) {
			require.Contains(t, told, label, "%s: the legend %s", q.Expr, q.LegendFormat)
		}
		for _, name := range metrics {
			shown[strings.TrimSuffix(name, "_bucket")] = true
		}
		require.Contains(t, q.Expr, `{job=~"$job",instance=~"$instance"`, "what is chosen above")
	}
	for name := range have {
		name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		require.True(t, shown[name], "%s is on no panel", name)
	}
}

func TestTheVariablesAreLabelsThatExist(t *testing.T) {
	have := observed(t)
	var names []string
	for _, v := range read(t).Templating.List {
		names = append(names, v.Name)
		if v.Type == "datasource" {
			continue
		}
		match := regexp.MustCompile(`^label_values\((.+), ([a-z]+)\)$`).FindStringSubmatch(v.Query)
		require.NotNil(t, match, v.Query)
		metrics, _, err := have.check(match[1])
		require.NoError(t, err)
		require.Contains(t, append(slices.Collect(maps.Keys(have[metrics[0]])), targets...), match[2])
	}
	require.Equal(t, []string{"datasource", "job", "instance", "flag"}, names)
}

func TestThePanelsSayWhatTheyAreForAndLieBesideEachOther(t *testing.T) {
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range read(t).Panels {
		require.False(t, ids[p.ID], "%s has the id of another", p.Title)
		ids[p.ID] = true
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				require.Empty(t, taken[[2]int{x, y}], "%s lies on it", p.Title)
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type != "row" {
			require.NotEmpty(t, p.Description, p.Title)
			require.NotEmpty(t, p.Targets, p.Title)
			require.Equal(t, source{"prometheus", "${datasource}"}, p.Datasource, p.Title)
		}
	}
}
