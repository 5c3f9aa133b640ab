package kubernetes_test

import (
	"strconv"
	"testing"
	"time"

	argo "github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	flagger "github.com/fluxcd/flagger/pkg/apis/flagger/v1beta1"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/handover-go/handover/interop/deploy/snippettest"
)

// All canaries walk the same steps, in percent.
var steps = []int{5, 20, 50}

func TestTheFirstStepByHand(t *testing.T) {
	service := func(name string) *corev1.Service { return find[*corev1.Service](t, "bluegreen.yaml", name) }
	type split map[string]int

	t.Run("ingress-nginx", func(t *testing.T) {
		stable := find[*networkingv1.Ingress](t, "canary-ingress-nginx.yaml", "minimal")
		canary := find[*networkingv1.Ingress](t, "canary-ingress-nginx.yaml", "minimal-canary")
		require.Equal(t, "true", canary.Annotations["nginx.ingress.kubernetes.io/canary"])
		require.Equal(t, strconv.Itoa(steps[0]), canary.Annotations["nginx.ingress.kubernetes.io/canary-weight"])
		require.Equal(t, stable.Spec.Rules[0].Host, canary.Spec.Rules[0].Host)
		require.Equal(t, stable.Spec.IngressClassName, canary.Spec.IngressClassName)
		for ingress, name := range map[*networkingv1.Ingress]string{stable: "minimal-blue", canary: "minimal-green"} {
			backend := ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
			require.Equal(t, name, backend.Name)
			require.Equal(t, service(name).Spec.Ports[0].Name, backend.Port.Name)
		}
	})
	t.Run("Gateway API", func(t *testing.T) {
		got := split{}
		for _, backend := range find[*gatewayv1.HTTPRoute](t, "canary-gateway.yaml", "minimal").Spec.Rules[0].BackendRefs {
			require.Equal(t, service(string(backend.Name)).Spec.Ports[0].Port, *backend.Port)
			got[string(backend.Name)] = int(*backend.Weight)
		}
		require.Equal(t, split{"minimal-blue": 100 - steps[0], "minimal-green": steps[0]}, got)
	})
	t.Run("Istio", func(t *testing.T) {
		subsets := map[string]map[string]string{}
		rule := find[*destinationRule](t, "canary-istio.yaml", "minimal")
		for _, subset := range rule.Spec.GetSubsets() {
			subsets[subset.GetName()] = subset.GetLabels()
		}
		got := split{}
		for _, route := range find[*virtualService](t, "canary-istio.yaml", "minimal").Spec.GetHttp()[0].GetRoute() {
			to := route.GetDestination()
			require.Equal(t, rule.Spec.GetHost(), to.GetHost())
			require.Equal(t, service(to.GetHost()).Name, to.GetHost())
			fleet := find[*appsv1.Deployment](t, "bluegreen.yaml", "minimal-"+to.GetSubset())
			require.Equal(t, map[string]string{"fleet": fleet.Spec.Template.Labels["fleet"]}, subsets[to.GetSubset()])
			got[to.GetSubset()] = int(route.GetWeight())
		}
		require.Equal(t, split{"blue": 100 - steps[0], "green": steps[0]}, got)
	})
}

func TestFlaggerWalksTheSteps(t *testing.T) {
	canary := find[*flagger.Canary](t, "canary-flagger.yaml", "minimal").Spec
	require.Equal(t, steps, canary.Analysis.StepWeights)
	require.Equal(t, deployment(t).Name, canary.TargetRef.Name)
	require.Equal(t, deployment(t).Spec.Template.Spec.Containers[0].Ports[0].Name, canary.Service.TargetPort.StrVal)
	interval := duration(t, canary.Analysis.Interval)
	for _, metric := range canary.Analysis.Metrics {
		require.LessOrEqual(t, duration(t, metric.Interval), interval, "%s: a step sees its own traffic", metric.Name)
	}
}

func TestArgoWalksTheSteps(t *testing.T) {
	rollout := find[*argo.Rollout](t, "canary-argo.yaml", "minimal").Spec
	rolling := deployment(t).Spec
	require.Equal(t, *rolling.Replicas, *rollout.Replicas)
	require.Equal(t, rolling.Selector, rollout.Selector)
	require.Equal(t, rolling.Strategy.RollingUpdate.MaxSurge, rollout.Strategy.Canary.MaxSurge)
	require.Equal(t, rolling.Strategy.RollingUpdate.MaxUnavailable, rollout.Strategy.Canary.MaxUnavailable)
	require.Equal(t, rolling.Template.Spec.Containers[0].Name, rollout.WorkloadRef.Name)

	analysis := find[*argo.AnalysisTemplate](t, "canary-argo.yaml", rollout.Strategy.Canary.Analysis.Templates[0].TemplateName)
	var got []int
	for _, step := range rollout.Strategy.Canary.Steps {
		if step.SetWeight != nil {
			got = append(got, int(*step.SetWeight))
			continue
		}
		pause := duration(t, step.Pause.Duration.StrVal)
		for _, metric := range analysis.Spec.Metrics {
			failed := time.Duration(metric.FailureLimit.IntVal+1) * duration(t, string(metric.Interval))
			require.Less(t, failed, pause, "%s: a bad release fails within the step", metric.Name)
		}
	}
	require.Equal(t, steps, got)
	require.Equal(t, int32(1), *rollout.Strategy.Canary.Analysis.StartingStep, "after the first weight, before the first pause is over")

	route := find[*virtualService](t, "canary-argo.yaml", rollout.Strategy.Canary.TrafficRouting.Istio.VirtualService.Name).Spec.GetHttp()[0]
	require.Equal(t, rollout.Strategy.Canary.TrafficRouting.Istio.VirtualService.Routes, []string{route.GetName()})
	got = nil
	var hosts []string
	for _, to := range route.GetRoute() {
		hosts, got = append(hosts, to.GetDestination().GetHost()), append(got, int(to.GetWeight()))
	}
	require.Equal(t, []string{rollout.Strategy.Canary.StableService, rollout.Strategy.Canary.CanaryService}, hosts)
	require.Equal(t, []int{100, 0}, got)
	find[*corev1.Service](t, "service.yaml", hosts[0])
	find[*corev1.Service](t, "canary-argo.yaml", hosts[1])
}

// What Argo keeps old pods for is no part of a pod's own time.
func TestArgoKeepsOldPodsForAsLongAsAPodTakesToEnd(t *testing.T) {
	canary := find[*argo.Rollout](t, "canary-argo.yaml", "minimal").Spec.Strategy.Canary
	grace := int32(snippettest.Observe(t).Grace / time.Second)
	require.GreaterOrEqual(t, *canary.ScaleDownDelaySeconds, int32(30), "Argo advises no less")
	require.Equal(t, *canary.ScaleDownDelaySeconds, *canary.AbortScaleDownDelaySeconds)
	require.Contains(t, snippettest.Read(t, "kubernetes/canary-argo.yaml"), "of "+strconv.Itoa(int(grace))+" s at most")
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return d
}
