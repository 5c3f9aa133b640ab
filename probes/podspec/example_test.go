package podspec_test

import (
	"fmt"
	"os"
	"time"

	"github.com/handover-go/handover/probes/podspec"
)

// In a test of yours, what is found should be nothing:
//
//	manifest, err := os.ReadFile("deployment.yaml")
//	require.NoError(t, err)
//	findings, err := podspec.Budget{Stops: []time.Duration{20 * time.Second}}.Lint(manifest)
//	require.NoError(t, err)
//	require.Empty(t, findings)
func ExampleBudget_Lint() {
	manifest := `
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers:
        - name: api
          ports: [{name: http, containerPort: 8080}]
          lifecycle: {preStop: {sleep: {seconds: 5}}}
          livenessProbe: {httpGet: {path: /livez, port: http}, initialDelaySeconds: 5}
          readinessProbe: {httpGet: {path: /livez, port: http}, periodSeconds: 1}
`
	findings, err := podspec.Budget{Stops: []time.Duration{10 * time.Second}}.Lint([]byte(manifest))
	fmt.Println(err)
	for _, f := range findings {
		fmt.Printf("line %d: %s\n", f.Line, f.Path)
		fmt.Printf("  %s\n", f.Message)
	}
	// Output:
	// <nil>
	// line 6: spec.template.spec.terminationGracePeriodSeconds
	//   is 30, and 35 is needed: 5 s for preStop, and 30 s that the program counts on (at most delay 9 s + linger 4.5 s + stop 10 s + margin 2 s, so 4.5 s to spare): give that, or take the difference off its own grace period
	// line 8: spec.template.spec.containers[0].startupProbe
	//   is missing: liveness restarts the container as early as 25 s after its start, which may take 60 s: ask /startupz
	// line 10: spec.template.spec.containers[0].lifecycle.preStop
	//   takes 5 s, after which the program delays for 2 s more: leave it out, or shorten the delay and say so in Budget.PreStop: 5s
	// line 12: spec.template.spec.containers[0].readinessProbe.httpGet.path
	//   is /livez, which passes while the pod drains, so that it never leaves: ask /readyz
}

func ExampleBudget_Write() {
	budget := podspec.Budget{
		GracePeriod: time.Minute,
		Stops:       []time.Duration{30 * time.Second}, // the longest request
		Container:   "api",
	}
	if err := budget.Write(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// terminationGracePeriodSeconds: 60 # 60 s from SIGTERM to SIGKILL: at most delay 10 s + linger 5 s + stop 30 s + margin 2 s, so 13 s to spare
	// containers:
	//   - name: api
	//     startupProbe: # until it passes, the other two are not asked
	//       httpGet:
	//         path: /startupz
	//         port: admin
	//       periodSeconds: 1 # the shortest there is: a rollout waits for this answer once a pod
	//       timeoutSeconds: 1 # the longest that an answer takes: 1 s
	//       failureThreshold: 60 # for as long as the longest start: 60 s
	//     livenessProbe: # it stays green while the pod drains
	//       httpGet:
	//         path: /livez
	//         port: admin
	//       periodSeconds: 10 # a restart is the last resort: nobody waits for this answer
	//       timeoutSeconds: 2 # twice that of readiness: a slow node is taken out before it is restarted
	//       failureThreshold: 3 # the last comes 20 s after the first; a verdict holds for 16 s, so that no single one kills
	//     readinessProbe: # it fails as soon as the pod drains
	//       httpGet:
	//         path: /readyz
	//         port: admin
	//       periodSeconds: 2 # each shutdown delay, 2 s, is seen by a probe
	//       timeoutSeconds: 1 # a node this busy should get less traffic
	//       failureThreshold: 2 # one lost packet is none
}
