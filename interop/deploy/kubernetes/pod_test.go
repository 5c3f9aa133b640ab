package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	argo "github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	flagger "github.com/fluxcd/flagger/pkg/apis/flagger/v1beta1"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	mesh "istio.io/api/mesh/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"

	"github.com/handover-go/handover/interop/deploy/snippettest"
	"github.com/handover-go/handover/probes/podspec"
)

// deployment is the one that everything else is about.
func deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	return find[*appsv1.Deployment](t, "deployment.yaml", "minimal")
}

func lint(t *testing.T, budget podspec.Budget, manifest string) []podspec.Finding {
	t.Helper()
	budget.Container, budget.AdminPort = "minimal", "admin"
	findings, err := budget.Lint([]byte(manifest))
	require.NoError(t, err)
	return findings
}

func TestThePodsFitTheProgram(t *testing.T) {
	for _, name := range []string{"kubernetes/deployment.yaml", "kubernetes/bluegreen.yaml"} {
		require.Empty(t, lint(t, podspec.Budget{}, snippettest.Read(t, name)), name)
	}
}

// patched is the Deployment after `kubectl patch --patch-file`.
func patched(t *testing.T, patch string) (*appsv1.Deployment, string) {
	t.Helper()
	asJSON := func(name string) []byte {
		text, err := yaml.YAMLToJSON([]byte(snippettest.Read(t, name)))
		require.NoError(t, err)
		return text
	}
	text, err := strategicpatch.StrategicMergePatch(asJSON("kubernetes/deployment.yaml"), asJSON("kubernetes/"+patch), appsv1.Deployment{})
	require.NoError(t, err)
	var d appsv1.Deployment
	require.NoError(t, json.Unmarshal(text, &d))
	return &d, string(text)
}

func TestAHookTakesTheDelayFromTheProgram(t *testing.T) {
	d, manifest := patched(t, "prestop.yaml")
	require.Len(t, d.Spec.Template.Spec.Containers, 1, "it is the same container")
	hook := time.Duration(d.Spec.Template.Spec.Containers[0].Lifecycle.PreStop.Sleep.Seconds) * time.Second
	require.Empty(t, lint(t, podspec.Budget{PreStop: hook}, manifest))
	require.NotEmpty(t, lint(t, podspec.Budget{}, manifest), "the program has a delay of its own")

	times := snippettest.Observe(t)
	require.Equal(t, int64((hook+times.Grace)/time.Second), *d.Spec.Template.Spec.TerminationGracePeriodSeconds)
	require.Greater(t, hook, times.DelayMax, "or else the program's own delay would do")
	text := snippettest.Read(t, "kubernetes/prestop.yaml")
	require.Contains(t, text, fmt.Sprintf("the %.0f s of\n# probes.Config.Delay", times.Delay.Seconds()))
	require.Contains(t, text, fmt.Sprintf("Budget{PreStop: %.0f * time.Second}", hook.Seconds()))
}

// The sidecar's drain is the program's, and Istio knows what is written there.
func TestTheSidecarLivesAsLongAsTheProgram(t *testing.T) {
	d, _ := patched(t, "sidecar-istio.yaml")
	text, err := yaml.YAMLToJSONStrict([]byte(d.Spec.Template.Annotations["proxy.istio.io/config"]))
	require.NoError(t, err)
	var config mesh.ProxyConfig
	require.NoError(t, protojson.Unmarshal(text, &config))
	times := snippettest.Observe(t)
	require.Equal(t, times.Budget, config.GetTerminationDrainDuration().AsDuration())
	require.Less(t, config.GetTerminationDrainDuration().AsDuration(), times.Grace)
}

func TestAReleaseFailsWhenTwoStartsHave(t *testing.T) {
	want := int32(2 * snippettest.Observe(t).Start / time.Second)
	require.Equal(t, want, *deployment(t).Spec.ProgressDeadlineSeconds)
	require.Equal(t, want, *find[*flagger.Canary](t, "canary-flagger.yaml", "minimal").Spec.ProgressDeadlineSeconds)
	require.Equal(t, want, *find[*argo.Rollout](t, "canary-argo.yaml", "minimal").Spec.ProgressDeadlineSeconds)
}

// The fleets are the Deployment, but for name, label and image: in every byte, so that
// its reasons are theirs.
func TestTheFleetsAreTheDeploymentTwice(t *testing.T) {
	text := snippettest.Read(t, "kubernetes/deployment.yaml")
	_, want, _ := strings.Cut(text, "apiVersion: apps/v1\n")
	var fleets []string
	for _, document := range documents(snippettest.Read(t, "kubernetes/bluegreen.yaml")) {
		if _, fleet, ok := strings.Cut(document, "apiVersion: apps/v1\n"); ok {
			fleet = regexp.MustCompile(`(?m)^ +fleet: (blue|green)\n`).ReplaceAllString(fleet, "")
			fleet = regexp.MustCompile(`name: minimal-(blue|green)\n`).ReplaceAllString(fleet, "name: minimal\n")
			fleets = append(fleets, strings.TrimSpace(strings.Replace(fleet, "minimal:v2", "minimal:v1", 1)))
		}
	}
	require.Equal(t, []string{strings.TrimSpace(want), strings.TrimSpace(want)}, fleets)
}

func TestServicesFindTheirPods(t *testing.T) {
	stable := deployment(t).Spec.Template
	blue := find[*appsv1.Deployment](t, "bluegreen.yaml", "minimal-blue").Spec.Template
	green := find[*appsv1.Deployment](t, "bluegreen.yaml", "minimal-green").Spec.Template
	tests := map[string]struct {
		file, name string
		want       []bool // stable, blue, green
	}{
		"rolling":     {"service.yaml", "minimal", []bool{true, true, true}},
		"the switch":  {"bluegreen.yaml", "minimal", []bool{false, true, false}},
		"blue":        {"bluegreen.yaml", "minimal-blue", []bool{false, true, false}},
		"green":       {"bluegreen.yaml", "minimal-green", []bool{false, false, true}},
		"Argo's":      {"canary-argo.yaml", "minimal-canary", []bool{true, true, true}},
		"and a drain": {"disruptionbudget.yaml", "minimal", []bool{true, true, true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var selector labels.Selector
			if tt.file == "disruptionbudget.yaml" {
				selector = labels.SelectorFromSet(find[*policyv1.PodDisruptionBudget](t, tt.file, tt.name).Spec.Selector.MatchLabels)
			} else {
				service := find[*corev1.Service](t, tt.file, tt.name)
				selector = labels.SelectorFromSet(service.Spec.Selector)
				require.Equal(t, "api", service.Spec.Ports[0].TargetPort.String())
				require.Equal(t, "api", stable.Spec.Containers[0].Ports[0].Name)
			}
			var got []bool
			for _, template := range []corev1.PodTemplateSpec{stable, blue, green} {
				got = append(got, selector.Matches(labels.Set(template.Labels)))
			}
			require.Equal(t, tt.want, got)
		})
	}
	for _, name := range []string{"minimal-blue", "minimal-green"} {
		d := find[*appsv1.Deployment](t, "bluegreen.yaml", name)
		require.True(t, labels.SelectorFromSet(d.Spec.Selector.MatchLabels).Matches(labels.Set(d.Spec.Template.Labels)), name)
		require.Contains(t, d.Spec.Selector.MatchLabels, "fleet", "or else the two would take each other's pods")
	}
}
