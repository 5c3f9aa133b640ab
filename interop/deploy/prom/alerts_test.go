package prom_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	argo "github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/handover-go/handover/interop/deploy/snippettest"
)

const alertsFile = "prometheus/alerts.yaml"

func rules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.Parse([]byte(snippettest.Read(t, alertsFile)), false)
	require.Empty(t, errs)
	require.Len(t, groups.Groups, 1)
	return groups.Groups[0].Rules
}

func TestTheAlertsAreAboutMetricsThatExist(t *testing.T) {
	have := observed(t)
	for _, rule := range rules(t) {
		_, told, err := have.check(rule.Expr)
		require.NoError(t, err, rule.Alert)
		for _, text := range rule.Annotations {
			require.Subset(t, told, placeholders(text), "%s: %s", rule.Alert, text)
		}
		require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
		require.NotEmpty(t, rule.Annotations["description"], rule.Alert)
		require.Contains(t, []string{"page", "ticket"}, rule.Labels["severity"], rule.Alert)
	}
}

func TestTheAlertsWaitForAsLongAsTheCodeDoes(t *testing.T) {
	times, waits := snippettest.Observe(t), map[string]time.Duration{}
	for _, rule := range rules(t) {
		waits[rule.Alert] = time.Duration(rule.For)
	}
	require.Equal(t, times.Start, waits["HandoverStartHangs"])
	require.Equal(t, times.Grace, waits["HandoverStopHangs"])
	require.GreaterOrEqual(t, waits["HandoverNotReady"], times.Start)
	require.GreaterOrEqual(t, waits["HandoverFlagBroken"], times.Start)
}

func TestEachWaitHasItsReason(t *testing.T) {
	for line := range strings.Lines(snippettest.Read(t, alertsFile)) {
		if strings.Contains(line, " for: ") {
			require.Empty(t, snippettest.Unexplained(line))
		}
	}
}

// promtool is that of Debian's package prometheus.
func promtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "promtool is not installed, which make test does")
		t.Skip("promtool is not installed: run ./scripts/ensure promtool")
	}
	return path
}

// says has promtool check the alerts, and run their tests.
func says(t *testing.T, alerts string) (said string, ok bool) {
	t.Helper()
	tool, dir := promtool(t), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "alerts.yaml"), []byte(alerts), 0o600))
	tests := filepath.Join(dir, "alerts_test.yaml")
	require.NoError(t, os.WriteFile(tests, []byte(snippettest.Read(t, "prometheus/alerts_test.yaml")), 0o600))
	for _, args := range [][]string{{"check", "rules", filepath.Join(dir, "alerts.yaml")}, {"test", "rules", tests}} {
		output, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
		if said += string(output); err != nil {
			return said, false
		}
	}
	return said, true
}

func TestPromtoolSeesEachAlertFire(t *testing.T) {
	text := snippettest.Read(t, alertsFile)
	said, ok := says(t, text)
	require.True(t, ok, said)

	said, ok = says(t, strings.ReplaceAll(text, "alert: Handover", "alert: Other"))
	require.False(t, ok, said)
	for _, rule := range rules(t) {
		require.Contains(t, said, `alertname="`+rule.Alert+`"`, "it is missed, so it is expected somewhere")
	}
}

// An alert that fires in good order is noise: a drain is no failure, a failover no outage,
// and a change of flags no difference.
func TestPromtoolSeesThatNoneFiresInGoodOrder(t *testing.T) {
	text := snippettest.Read(t, alertsFile)
	spoil := map[string][2]string{
		"HandoverNotReady":    {"            unless on (instance, set) handover_probes_reason{probe=\"readiness\"} == 1\n        for: 1m", "        for: 0s"},
		"HandoverFailsOpen":   {"handover_probes_check_fails_open == 1\n        for: 5m", "handover_probes_check_fails_open == 1\n        for: 30s"},
		"HandoverFlagsDiffer": {"(handover_flags_info)) > 1\n        for: 5m", "(handover_flags_info)) > 1\n        for: 15s"},
	}
	for _, edit := range spoil {
		text = snippettest.Edit(t, text, edit[0], edit[1])
	}
	said, ok := says(t, text)
	require.False(t, ok, said)
	_, got, found := strings.Cut(said, `count_over_time(ALERTS{alertstate=\"firing\"}[1h])`)
	require.True(t, found, said)
	for alert := range spoil {
		require.Contains(t, got, `alertname="`+alert+`"`)
	}
}

// The metrics of Istio are not ours to know, but the language is.
func TestTheQueriesOfTheAnalysisCanBeParsed(t *testing.T) {
	queries := 0
	for document := range strings.SplitSeq(snippettest.Read(t, "kubernetes/canary-argo.yaml"), "\n---\n") {
		if !strings.Contains(document, "kind: AnalysisTemplate") {
			continue
		}
		var template argo.AnalysisTemplate
		require.NoError(t, yaml.UnmarshalStrict([]byte(document), &template))
		for _, metric := range template.Spec.Metrics {
			_, err := parser.ParseExpr(metric.Provider.Prometheus.Query)
			require.NoError(t, err, metric.Name)
			queries++
		}
	}
	require.Equal(t, 2, queries)
}
