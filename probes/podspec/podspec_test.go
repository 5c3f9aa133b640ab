package podspec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/probes/podspec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deployment fits a budget without anything in it; each test spoils a part of it.
const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 3
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  template:
    spec:
      terminationGracePeriodSeconds: 30
      containers:
        - name: api
          ports:
            - {name: http, containerPort: 8080}
            - {name: admin, containerPort: 8081}
          startupProbe:
            httpGet: {path: /startupz, port: admin}
            periodSeconds: 1
            timeoutSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /livez, port: admin}
            periodSeconds: 10
            timeoutSeconds: 2
            failureThreshold: 3
          readinessProbe:
            httpGet: {path: /readyz, port: admin}
            periodSeconds: 2
            timeoutSeconds: 1
            failureThreshold: 2
`

// edit replaces one text by another, again and again; each has to be there.
func edit(t testing.TB, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		require.Contains(t, text, pairs[i])
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// lines are findings without their object, their reason, and what leads to the container.
func lines(findings []podspec.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, fmt.Sprintf("%d %s: %s %s", f.Line, f.Rule, strings.TrimPrefix(f.Path, "spec.template.spec.containers[0]."), f.Message))
	}
	return all
}

func lint(t testing.TB, budget podspec.Budget, manifest string) []podspec.Finding {
	t.Helper()
	findings, err := budget.Lint([]byte(manifest))
	require.NoError(t, err)
	return findings
}
