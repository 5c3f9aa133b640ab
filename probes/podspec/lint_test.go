package podspec_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/handover-go/handover/probes/podspec"
)

func TestAFindingSaysAll(t *testing.T) {
	findings := lint(t, podspec.Budget{}, edit(t, deployment, "timeoutSeconds: 2", "timeoutSeconds: 20"))
	want := podspec.Finding{
		Object:  "Deployment/api",
		Path:    "spec.template.spec.containers[0].livenessProbe.timeoutSeconds",
		Line:    27,
		Rule:    "timeout",
		Message: "is 20, longer than periodSeconds, 10: give at most that",
		Why: "probes of a kind do not overlap: while they hang, the time-out is the period, and a failure is seen later " +
			"than the numbers say (kubernetes/website#44884, kyverno/policies#1500)",
	}
	require.Equal(t, []podspec.Finding{want}, findings)
	require.Equal(t, "line 27: Deployment/api: "+want.Path+" "+want.Message+" (timeout: "+want.Why+")", findings[0].String())
}

func TestEachReasonHasASource(t *testing.T) {
	for name, why := range podspec.Rules() {
		require.Regexp(t, `[A-Za-z-]+/[A-Za-z0-9-]+#[0-9]+|reference of core/v1`, why, name)
	}
}

func TestTheDocumentationNamesEachRule(t *testing.T) {
	text, err := os.ReadFile("finding.go")
	require.NoError(t, err)
	_, comment, _ := strings.Cut(string(text), "// Rule is")
	comment, _, _ = strings.Cut(comment, "Rule string")
	words := strings.FieldsFunc(comment, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') })
	for name := range podspec.Rules() {
		require.Contains(t, words, name)
	}
}

func TestTheDeploymentOfTheExamplesFits(t *testing.T) {
	manifest, err := os.ReadFile("../../examples/deploy/kubernetes/deployment.yaml")
	require.NoError(t, err)
	findings, err := podspec.Budget{AdminPort: "admin"}.Lint(manifest)
	require.NoError(t, err)
	require.Empty(t, findings)
}

// A pod that asks by a command is found wherever it is.
func TestWhereAPodIs(t *testing.T) {
	const (
		bad  = "{containers: [{name: app, readinessProbe: {exec: {}, periodSeconds: 1}}]}"
		good = "{containers: [{name: app, readinessProbe: {httpGet: {path: /readyz, port: 1}, periodSeconds: 1}}]}"
		exec = "containers[0].readinessProbe.exec"
	)
	tests := map[string]struct {
		manifest string
		want     []string
	}{
		"a pod":                        {"kind: Pod\nspec: " + bad, []string{"2 Pod/(no name) spec." + exec}},
		"a name":                       {"kind: Pod\nmetadata: {name: a}\nspec: " + bad, []string{"3 Pod/a spec." + exec}},
		"a generated name":             {"kind: Pod\nmetadata: {generateName: a-}\nspec: " + bad, []string{"3 Pod/a- spec." + exec}},
		"a StatefulSet":                {"kind: StatefulSet\nspec: {template: {spec: " + bad + "}}", []string{"2 StatefulSet/(no name) spec.template.spec." + exec}},
		"a DaemonSet":                  {"kind: DaemonSet\nspec: {template: {spec: " + bad + "}}", []string{"2 DaemonSet/(no name) spec.template.spec." + exec}},
		"a job":                        {"kind: Job\nspec: {template: {spec: " + bad + "}}", []string{"2 Job/(no name) spec.template.spec." + exec}},
		"a job at times":               {"kind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: " + bad + "}}}}", []string{"2 CronJob/(no name) spec.jobTemplate.spec.template.spec." + exec}},
		"a kind of others":             {"kind: Rollout\nspec: {template: {spec: " + bad + "}}", []string{"2 Rollout/(no name) spec.template.spec." + exec}},
		"what has no pod":              {"kind: Service\nspec: {ports: []}\n---\nkind: Pod\nspec: " + good, nil},
		"several documents":            {"kind: Pod\nspec: " + bad + "\n---\n# nothing\n---\nkind: Pod\nmetadata: {name: b}\nspec: " + bad, []string{"2 Pod/(no name) spec." + exec, "8 Pod/b spec." + exec}},
		"a list":                       {"kind: List\nitems:\n- kind: Service\n- kind: Pod\n  spec: " + bad, []string{"5 Pod/(no name) items[1].spec." + exec}},
		"a list in a list":             {"kind: List\nitems:\n- kind: PodList\n  items:\n  - kind: Pod\n    spec: " + bad, []string{"6 Pod/(no name) items[0].items[0].spec." + exec}},
		"a pod that has items":         {"kind: Pod\nitems: []\nspec: " + bad, []string{"3 Pod/(no name) spec." + exec}},
		"a kind that is called a list": {"kind: GuestList\nspec: {}\n---\nkind: Pod\nspec: " + good, nil},
		"an empty list":                {"kind: PodList\nitems: []\n---\nkind: Pod\nspec: " + good, nil},
		"a second container is none of ours": {
			"kind: Pod\nspec: {containers: [{name: app, readinessProbe: {httpGet: {path: /readyz, port: 1}, periodSeconds: 1}}, {name: mesh}]}", nil,
		},
		"an anchor": {
			"kind: Pod\nspec:\n  containers:\n  - readinessProbe: &p\n      exec: {}\n      periodSeconds: 1\n    livenessProbe:\n      <<: *p\n      periodSeconds: 30\n",
			[]string{"5 Pod/(no name) spec.containers[0].livenessProbe.exec", "5 Pod/(no name) spec." + exec},
		},
		"anchors in a list": {
			"kind: Pod\nx: [&a {exec: {}}, &b {periodSeconds: 1}]\nspec:\n  containers:\n  - readinessProbe: {<<: [*b, *a]}\n",
			[]string{"2 Pod/(no name) spec." + exec},
		},
		"an alias": {
			"kind: Pod\nx: &p {exec: {}, periodSeconds: 1}\nspec:\n  containers:\n  - readinessProbe: *p\n",
			[]string{"2 Pod/(no name) spec." + exec},
		},
		"from a Windows machine": {"\ufeffkind: Pod\r\nspec: " + bad + "\r\n", []string{"2 Pod/(no name) spec." + exec}},
		"JSON":                   {"{\n\t\"kind\": \"Pod\",\n\t\"spec\": {\"containers\": [\n\t\t{\"readinessProbe\": {\"exec\": {}, \"periodSeconds\": 1}}\n\t]}\n}\n", []string{"4 Pod/(no name) spec." + exec}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range lint(t, podspec.Budget{Start: s}, tt.manifest) {
				got = append(got, strings.Fields(f.String())[1][:len(strings.Fields(f.String())[1])-1]+" "+f.Object+" "+f.Path)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestJSONSaysTheSame(t *testing.T) {
	manifest := edit(t, deployment, "timeoutSeconds: 2", "timeoutSeconds: 20", "path: /readyz", "path: /livez", "maxUnavailable: 0", "maxUnavailable: 3")
	var value any
	require.NoError(t, yaml.Unmarshal([]byte(manifest), &value))
	text, err := json.MarshalIndent(value, "", "    ")
	require.NoError(t, err)
	paths := func(manifest string) map[string]string {
		all := map[string]string{}
		for _, f := range lint(t, podspec.Budget{}, manifest) {
			all[f.Path] = f.Message
		}
		return all
	}
	require.Len(t, paths(manifest), 3)
	require.Equal(t, paths(manifest), paths(string(text)))
}

func TestTheContainer(t *testing.T) {
	const manifest = "kind: Pod\nspec:\n  containers:\n  - name: mesh\n    readinessProbe: {exec: {}, periodSeconds: 1}\n" +
		"  - name: app\n    readinessProbe: {tcpSocket: {port: 1}, periodSeconds: 1}\n---\nkind: Pod\nspec: {containers: [{name: other}]}\n"
	tests := map[string]struct {
		container string
		want      []string
	}{
		"the first by default": {"", []string{
			"5 exec: spec.containers[0].readinessProbe.exec runs a command: use httpGet",
			"10 no-probes: spec.containers[0] has no probes: take those that Budget.Write prints",
		}},
		"one by name": {"app", []string{"7 tcp-socket: spec.containers[1].readinessProbe.tcpSocket only connects: use httpGet, or grpc"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, lines(lint(t, podspec.Budget{Container: tt.container}, manifest)))
		})
	}
	_, err := podspec.Budget{Container: "api"}.Lint([]byte(manifest))
	require.EqualError(t, err, `podspec: lint: there is no container "api", only "mesh", "app", "other": give its name as Budget.Container`)
}

func TestWhatCannotBeRead(t *testing.T) {
	tests := map[string]struct {
		manifest string
		findings int
		want     string
	}{
		"nothing":               {"", 0, "podspec: lint: the manifest is empty: give what has a pod, such as a Deployment"},
		"comments":              {"# nothing\n---\n---\n", 0, "podspec: lint: the manifest is empty: give what has a pod, such as a Deployment"},
		"no YAML":               {"kind: Pod\nspec: [\n", 0, "podspec: lint: yaml: line 2: did not find expected node content"},
		"a tab":                 {"kind: Pod\nspec:\n\tcontainers: []\n", 0, "podspec: lint: yaml: line 3: found character that cannot start any token"},
		"a template":            {"kind: Pod\n{{- if .Values.x }}\nspec: {}\n", 0, "podspec: lint: yaml: line 2: could not find expected ':': a template has to be rendered first"},
		"a template in a value": {"kind: Pod\nspec: {{ .Values.spec }}\n", 0, `podspec: lint: yaml: invalid map key: map[string]interface {}{".Values.spec":interface {}(nil)}: a template has to be rendered first`},
		"a word":                {"Pod\n", 0, "podspec: lint: line 1: there is no kind: give Kubernetes objects"},
		"a list":                {"- kind: Pod\n", 0, "podspec: lint: line 1: there is no kind: give Kubernetes objects"},
		"no kind":               {"\nspec: {}\n", 0, "podspec: lint: line 2: there is no kind: give Kubernetes objects"},
		"a kind that is a list": {"kind: [Pod]\n", 0, "podspec: lint: line 1: there is no kind: give Kubernetes objects"},
		"no kind in a list":     {"kind: List\nitems: [{}]\n", 0, "podspec: lint: line 2: there is no kind: give Kubernetes objects"},
		"no pod":                {"kind: Service\n---\nkind: Secret\nmetadata: {name: s}\n", 0, "podspec: lint: there is no pod, only Service/(no name), Secret/s: give what has one, such as a Deployment"},
		"no pods":               {"kind: List\nitems: []\n", 0, "podspec: lint: the manifest is empty: give what has a pod, such as a Deployment"},
		"no containers":         {"kind: Deployment\nmetadata: {name: d}\nspec: {containers: [{}]}\n", 0, "podspec: lint: line 1: Deployment/d has no containers: they are expected at spec.template.spec.containers"},
		"containers by name":    {"kind: Pod\nspec: {containers: {app: {}}}\n", 0, "podspec: lint: line 1: Pod/(no name) has no containers: they are expected at spec.containers"},
		"containers of nothing": {"kind: Pod\nspec: {containers: [null, 1]}\n", 1, ""},
		"a key twice":           {"kind: Pod\nkind: Job\n", 0, `podspec: lint: yaml: line 2: mapping key "kind" already defined at line 1`},
		"an endless anchor":     {"kind: Pod\nspec: &s {containers: *s}\n", 0, "podspec: lint: yaml: anchor 's' value contains itself"},
		"an endless list":       {"kind: List\nitems: &i [{kind: List, items: *i}]\n", 0, "podspec: lint: yaml: anchor 'i' value contains itself"},
		"an endless merge":      {"kind: Pod\nspec: &s {<<: *s}\n", 0, "podspec: lint: yaml: anchor 's' value contains itself"},
		"a billion laughs":      {laughs(), 0, "podspec: lint: yaml: document contains excessive aliasing"},
		"an unknown anchor":     {"kind: *k\n", 0, "podspec: lint: yaml: unknown anchor 'k' referenced"},
		"bytes":                 {"\x00\x01", 0, "podspec: lint: yaml: control characters are not allowed"},
		"two of three are read": {"kind: Pod\nspec: {containers: [{}]}\n---\nkind: Job\n---\nkind: Pod\nspec: {containers: [{}]}\n", 2, "podspec: lint: line 4: Job/(no name) has no containers: they are expected at spec.template.spec.containers"},
		"all up to the mistake": {"kind: Pod\nspec: {containers: [{}]}\n---\nkind: [\n", 1, "podspec: lint: yaml: line 4: did not find expected node content"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			findings, err := podspec.Budget{}.Lint([]byte(tt.manifest))
			require.Len(t, findings, tt.findings)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.want)
		})
	}
}

// laughs is small, and large when each alias is followed.
func laughs() string {
	text := "kind: List\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		n, next := string(rune('0'+i)), string(rune('1'+i))
		text += "a" + next + ": &a" + next + " [" + strings.Repeat("*a"+n+", ", 9) + "*a" + n + "]\n"
	}
	return text
}

// Only what sleeps and does nothing else takes a time that is known.
func TestHooksThatSleep(t *testing.T) {
	tests := map[string]string{
		"[sleep, 5]":                "5",
		"[/bin/sleep, 5s]":          "5",
		"[/usr/bin/sleep, '05']":    "5",
		"[sh, -c, sleep 5]":         "5",
		"[/bin/bash, -c, sleep, 5]": "5",
		"[sleep, 0]":                "0",
		"[sleep, -1]":               "",
		"[sleep, 0.5]":              "",
		"[sleep, infinity]":         "",
		"[sleep, 99999999999]":      "",
		"[sleep]":                   "",
		"[sleep, 5, 6]":             "",
		"[wait, 5]":                 "",
		"[sh, sleep, 5]":            "",
		"[sh, -x, sleep, 5]":        "",
		"[nice, -c, sleep, 5]":      "",
		"[sh, -c, sleep 5; true]":   "",
		"[sh, -c, kill 5]":          "",
		"sleep 5":                   "",
		"[]":                        "",
	}
	for command, seconds := range tests {
		t.Run(command, func(t *testing.T) {
			manifest := edit(t, deployment, startup, "          lifecycle: {preStop: {exec: {command: "+command+"}}}\n"+startup)
			findings := lines(lint(t, podspec.Budget{Delay: -1, GracePeriod: 20 * s}, manifest))
			want := "19 pre-stop: lifecycle.preStop takes a time that cannot be seen here: use sleep, or say how long in Budget.PreStop"
			if seconds != "" {
				want = "19 pre-stop-exec: lifecycle.preStop.exec runs the image's sleep: use sleep: {seconds: " + seconds + "}, which the kubelet does itself since Kubernetes 1.30"
			}
			require.Equal(t, []string{want}, findings)
		})
	}
}
