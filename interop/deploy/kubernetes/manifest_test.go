package kubernetes_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	argo "github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	flagger "github.com/fluxcd/flagger/pkg/apis/flagger/v1beta1"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	istio "istio.io/api/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	strict "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/handover-go/handover/interop/deploy/snippettest"
)

// istioObject is what the Go client of Istio has for each kind; its API has the spec alone.
type istioObject[S proto.Message] struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Raw               json.RawMessage `json:"spec"`

	Spec S `json:"-"`
}

func (o *istioObject[S]) spec() error { return protojson.Unmarshal(o.Raw, o.Spec) }

type (
	virtualService  = istioObject[*istio.VirtualService]
	destinationRule = istioObject[*istio.DestinationRule]
)

// object makes an empty one of a kind that a snippet may have.
func object(apiVersion, kind string) metav1.Object {
	switch apiVersion + " " + kind {
	case "apps/v1 Deployment":
		return new(appsv1.Deployment)
	case "v1 Service":
		return new(corev1.Service)
	case "policy/v1 PodDisruptionBudget":
		return new(policyv1.PodDisruptionBudget)
	case "networking.k8s.io/v1 Ingress":
		return new(networkingv1.Ingress)
	case "gateway.networking.k8s.io/v1 HTTPRoute":
		return new(gatewayv1.HTTPRoute)
	case "flagger.app/v1beta1 Canary":
		return new(flagger.Canary)
	case "argoproj.io/v1alpha1 Rollout":
		return new(argo.Rollout)
	case "argoproj.io/v1alpha1 AnalysisTemplate":
		return new(argo.AnalysisTemplate)
	case "networking.istio.io/v1 VirtualService":
		return &virtualService{Spec: new(istio.VirtualService)}
	case "networking.istio.io/v1 DestinationRule":
		return &destinationRule{Spec: new(istio.DestinationRule)}
	}
	return nil
}

// decode is as strict as `kubectl apply --validate=strict`: no key may be unknown, given
// twice, or in another case.
func decode(document string) (metav1.Object, error) {
	text, err := yaml.YAMLToJSONStrict([]byte(document))
	if err != nil {
		return nil, err
	}
	var kind metav1.TypeMeta
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, err
	}
	o := object(kind.APIVersion, kind.Kind)
	if o == nil {
		return nil, fmt.Errorf("%s %s: no type is known for this kind", kind.APIVersion, kind.Kind)
	}
	mistakes, err := strict.UnmarshalStrict(text, o)
	if err = errors.Join(append(mistakes, err)...); err != nil {
		return nil, err
	}
	if mesh, ok := o.(interface{ spec() error }); ok {
		return o, mesh.spec()
	}
	return o, nil
}

func documents(text string) []string { return strings.Split(text, "\n---\n") }

// read returns the objects of a file.
func read(t *testing.T, name string) []metav1.Object {
	t.Helper()
	var all []metav1.Object
	for _, document := range documents(snippettest.Read(t, name)) {
		o, err := decode(document)
		require.NoError(t, err, name)
		all = append(all, o)
	}
	return all
}

// find returns the object of a type with this name in a file.
func find[T metav1.Object](t *testing.T, file, name string) T {
	t.Helper()
	for _, o := range read(t, "kubernetes/"+file) {
		if typed, ok := o.(T); ok && typed.GetName() == name {
			return typed
		}
	}
	require.FailNow(t, "there is none", "%T %s in %s", *new(T), name, file)
	panic("unreachable")
}

func TestEveryManifestIsWhatTheAPIKnows(t *testing.T) {
	got := map[string][]string{}
	for _, name := range snippettest.Names(t, "kubernetes/*.yaml") {
		for _, o := range read(t, name) {
			kind := strings.TrimPrefix(fmt.Sprintf("%T", o), "*")
			_, kind, _ = strings.Cut(kind, ".")
			if i := strings.Index(kind, "["); i >= 0 { // of Istio
				kind = kind[strings.LastIndex(kind, ".")+1 : len(kind)-1]
			}
			got[name] = append(got[name], kind+"/"+o.GetName())
		}
	}
	require.Equal(t, map[string][]string{
		"kubernetes/deployment.yaml":       {"Deployment/minimal"},
		"kubernetes/service.yaml":          {"Service/minimal"},
		"kubernetes/disruptionbudget.yaml": {"PodDisruptionBudget/minimal"},
		"kubernetes/prestop.yaml":          {"Deployment/minimal"},
		"kubernetes/sidecar-istio.yaml":    {"Deployment/minimal"},
		"kubernetes/bluegreen.yaml": {
			"Service/minimal", "Service/minimal-blue", "Service/minimal-green", "Deployment/minimal-blue", "Deployment/minimal-green",
		},
		"kubernetes/canary-ingress-nginx.yaml": {"Ingress/minimal", "Ingress/minimal-canary"},
		"kubernetes/canary-gateway.yaml":       {"HTTPRoute/minimal"},
		"kubernetes/canary-istio.yaml":         {"VirtualService/minimal", "DestinationRule/minimal"},
		"kubernetes/canary-flagger.yaml":       {"Canary/minimal"},
		"kubernetes/canary-argo.yaml": {
			"Rollout/minimal", "AnalysisTemplate/minimal", "Service/minimal-canary", "VirtualService/minimal",
		},
	}, got)
}

func TestWhatTheAPIDoesNotKnowIsRefused(t *testing.T) {
	tests := map[string]struct{ file, from, to, want string }{
		"a key that is unknown":         {"deployment.yaml", "maxSurge:", "maxSurges:", `unknown field "spec.strategy.rollingUpdate.maxSurges"`},
		"a key in another case":         {"deployment.yaml", "maxSurge:", "maxsurge:", `unknown field "spec.strategy.rollingUpdate.maxsurge"`},
		"a key that is given twice":     {"deployment.yaml", "  replicas: 3", "  replicas: 3\n  replicas: 4", "already"},
		"a number that is a text":       {"deployment.yaml", "replicas: 3", `replicas: "3"`, "replicas"},
		"a hook that does not exist":    {"prestop.yaml", "sleep:", "sleeps:", `unknown field "spec.template.spec.containers[0].lifecycle.preStop.sleeps"`},
		"a budget of another version":   {"disruptionbudget.yaml", "policy/v1", "policy/v1beta1", "no type is known"},
		"an Ingress without a backend":  {"canary-ingress-nginx.yaml", "backend:", "backends:", "backends"},
		"a route without weight":        {"canary-gateway.yaml", "weight: 95", "weights: 95", "weights"},
		"Istio's weight":                {"canary-istio.yaml", "weight: 95", "weights: 95", "weights"},
		"Istio's subset":                {"canary-istio.yaml", "subset: blue", "subsets: blue", "subsets"},
		"Flagger's steps":               {"canary-flagger.yaml", "stepWeights:", "steps:", "steps"},
		"Argo's surge":                  {"canary-argo.yaml", "maxSurge:", "surge:", "surge"},
		"Argo's weight, where it hides": {"canary-argo.yaml", "setWeight: 20", "weight: 20", "weight"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text := snippettest.Edit(t, snippettest.Read(t, "kubernetes/"+tt.file), tt.from, tt.to)
			var errs []error
			for _, document := range documents(text) {
				_, err := decode(document)
				errs = append(errs, err)
			}
			require.ErrorContains(t, errors.Join(errs...), tt.want)
		})
	}
}

func TestEachNumberHasItsReason(t *testing.T) {
	for _, name := range snippettest.Names(t, "kubernetes/*.yaml") {
		require.Empty(t, snippettest.Unexplained(snippettest.Read(t, name)), name)
	}
}
