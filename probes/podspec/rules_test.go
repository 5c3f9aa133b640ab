package podspec_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes/podspec"
)

const (
	s = time.Second

	started = "httpGet: {path: /startupz, port: admin}"
	alive   = "httpGet: {path: /livez, port: admin}"
	ready   = "httpGet: {path: /readyz, port: admin}"

	startup = `          startupProbe:
            httpGet: {path: /startupz, port: admin}
            periodSeconds: 1
            timeoutSeconds: 1
            failureThreshold: 60
`
	liveness = `          livenessProbe:
            httpGet: {path: /livez, port: admin}
            periodSeconds: 10
            timeoutSeconds: 2
            failureThreshold: 3
`
	readiness = `          readinessProbe:
            httpGet: {path: /readyz, port: admin}
            periodSeconds: 2
            timeoutSeconds: 1
            failureThreshold: 2
`
	sleeps5 = "          lifecycle: {preStop: {sleep: {seconds: 5}}}\n"
)

// Each rule is broken and, where there is a fine line, just not broken.
func TestRules(t *testing.T) {
	type test struct {
		budget podspec.Budget
		edits  []string
		want   []string
	}
	tests := map[string]test{
		"nothing is wrong": {},
		"no probes": {
			edits: []string{startup, "", liveness, "", readiness, ""},
			want: []string{
				"15 no-probes: spec.template.spec.containers[0] has no probes: take those that Budget.Write prints",
			},
		},
		"no readiness": {
			edits: []string{readiness, ""},
			want: []string{
				"15 no-readiness: readinessProbe is missing: ask /readyz",
			},
		},
		"no readiness, by null": {
			edits: []string{readiness, "          readinessProbe: null\n"},
			want: []string{
				"29 no-readiness: readinessProbe is missing: ask /readyz",
			},
		},
		"no liveness is a choice": {edits: []string{liveness, ""}},
		"a probe that asks nothing": {
			edits: []string{alive + "\n            ", ""},
			want: []string{
				"24 handler: livenessProbe asks nothing: give it an httpGet",
			},
		},
		"a probe that is a word": {
			edits: []string{readiness, "          readinessProbe: yes, please\n"},
			want: []string{
				"29 handler: readinessProbe asks nothing: give it an httpGet",
				"29 readiness-period: readinessProbe.periodSeconds is 10, and the shutdown delay 2 s: it may be over before a probe has seen it: give 2",
			},
		},
		"a probe that asks in two ways": {
			edits: []string{alive, alive + "\n            tcpSocket: {port: admin}"},
			want: []string{
				"24 handler: livenessProbe asks in 2 ways, httpGet, tcpSocket: give it one",
				"26 tcp-socket: livenessProbe.tcpSocket only connects: use httpGet, or grpc",
			},
		},
		"a command": {
			edits: []string{ready, "exec: {command: [cat, /tmp/ready]}"},
			want: []string{
				"30 exec: readinessProbe.exec runs a command: use httpGet",
			},
		},
		"a connection": {
			edits: []string{alive, "tcpSocket: {port: admin}"},
			want: []string{
				"25 tcp-socket: livenessProbe.tcpSocket only connects: use httpGet, or grpc",
			},
		},
		"gRPC is a way to ask": {edits: []string{ready, "grpc: {port: 8081, service: readiness}"}},
		"startup asks liveness": {
			edits: []string{started, alive},
			want: []string{
				"20 startup-path: startupProbe.httpGet.path is /livez, which passes before the start is over: ask /startupz",
			},
		},
		"startup asks readiness": {
			edits: []string{started, ready},
			want: []string{
				"20 startup-path: startupProbe.httpGet.path is /readyz, which fails for reasons that have nothing to do with the start: ask /startupz",
			},
		},
		"liveness asks readiness": {
			edits: []string{alive, ready},
			want: []string{
				"25 liveness-path: livenessProbe.httpGet.path is /readyz, which fails when it should get no traffic, and not a restart: ask /livez",
			},
		},
		"liveness asks startup": {
			edits: []string{alive, started},
			want: []string{
				"25 liveness-path: livenessProbe.httpGet.path is /startupz, which says nothing about what hangs later: ask /livez",
			},
		},
		"liveness asks its alias":    {edits: []string{alive, "httpGet: {path: /healthz, port: admin}"}},
		"liveness asks with a query": {edits: []string{alive, `httpGet: {path: "/livez?full=1", port: admin}`}},
		"liveness asks for the root": {
			edits: []string{alive, "httpGet: {port: admin}"},
			want: []string{
				"25 liveness-path: livenessProbe.httpGet.path is /, which the budget does not know: ask /livez",
			},
		},
		"readiness asks liveness": {
			edits: []string{ready, alive},
			want: []string{
				"30 readiness-path: readinessProbe.httpGet.path is /livez, which passes while the pod drains, so that it never leaves: ask /readyz",
			},
		},
		"readiness asks liveness's alias": {
			edits: []string{ready, "httpGet: {path: /healthz, port: admin}"},
			want: []string{
				"30 readiness-path: readinessProbe.httpGet.path is /healthz, which passes while the pod drains, so that it never leaves: ask /readyz",
			},
		},
		"readiness asks something else": {
			edits: []string{ready, "httpGet: {path: /ready, port: admin}"},
			want: []string{
				"30 readiness-path: readinessProbe.httpGet.path is /ready, which the budget does not know: ask /readyz",
			},
		},
		"a program with other paths": {
			budget: podspec.Budget{LivenessPath: "/live", ReadinessPath: "/healthz"},
			edits:  []string{alive, "httpGet: {path: /healthz, port: admin}", ready, "httpGet: {path: /livez, port: admin}"},
			want: []string{
				"25 liveness-path: livenessProbe.httpGet.path is /healthz, which fails when it should get no traffic, and not a restart: ask /live",
				"30 readiness-path: readinessProbe.httpGet.path is /livez, which the budget does not know: ask /healthz",
			},
		},
		"a port that has no name": {
			edits: []string{ready, "httpGet: {path: /readyz, port: metrics}"},
			want: []string{
				`30 unknown-port: readinessProbe.httpGet.port is "metrics", which is no name under ports: give one of those, or a number without quotes`,
			},
		},
		"a number that is a name": {
			edits: []string{ready, `httpGet: {path: /readyz, port: "8081"}`},
			want: []string{
				`30 unknown-port: readinessProbe.httpGet.port is "8081", which is no name under ports: give one of those, or a number without quotes`,
			},
		},
		"no port": {
			edits: []string{ready, "httpGet: {path: /readyz}"},
			want: []string{
				"30 unknown-port: readinessProbe.httpGet.port is missing: give the name or the number of a port",
			},
		},
		"a port by number": {edits: []string{ready, "httpGet: {path: /readyz, port: 9090}"}},
		"the port of the API": {
			budget: podspec.Budget{AdminPort: "admin"},
			edits:  []string{ready, "httpGet: {path: /readyz, port: http}"},
			want: []string{
				"30 serving-port: readinessProbe.httpGet.port is http, and probes are answered at admin: ask there",
			},
		},
		"the same port by number": {budget: podspec.Budget{AdminPort: "admin"}, edits: []string{ready, "httpGet: {path: /readyz, port: 8081}"}},
		"the same port by name":   {budget: podspec.Budget{AdminPort: "8081"}},
		"another number": {
			budget: podspec.Budget{AdminPort: "9090"},
			edits:  []string{startup, ""},
			want: []string{
				"15 no-startup: startupProbe is missing: liveness restarts the container as early as 20 s after its start, which may take 60 s: ask /startupz",
				"20 serving-port: livenessProbe.httpGet.port is admin, and probes are answered at 9090: ask there",
				"25 serving-port: readinessProbe.httpGet.port is admin, and probes are answered at 9090: ask there",
			},
		},
		"the same question for both": {
			edits: []string{alive, "httpGet: {path: /health, port: admin}", ready, "httpGet: {path: /health, port: 8081}", "periodSeconds: 2\n", "periodSeconds: 10\n", "failureThreshold: 2", "failureThreshold: 3"},
			want: []string{
				"24 same-probe: livenessProbe asks what readiness asks, as often and as patiently: ask /livez",
				"25 liveness-path: livenessProbe.httpGet.path is /health, which the budget does not know: ask /livez",
				"30 readiness-path: readinessProbe.httpGet.path is /health, which the budget does not know: ask /readyz",
				"31 readiness-period: readinessProbe.periodSeconds is 10, and the shutdown delay 2 s: it may be over before a probe has seen it: give 2",
			},
		},
		"the same question, with more patience": {edits: []string{alive, "grpc: {port: 8081}", ready, "grpc: {port: 8081}"}},
		"the same command for both": {
			edits: []string{alive, "exec: {command: [a]}", ready, "exec: {command: [a]}", "periodSeconds: 2\n", "periodSeconds: 10\n", "failureThreshold: 2", "failureThreshold: 3"},
			want: []string{
				"25 exec: livenessProbe.exec runs a command: use httpGet",
				"30 exec: readinessProbe.exec runs a command: use httpGet",
				"31 readiness-period: readinessProbe.periodSeconds is 10, and the shutdown delay 2 s: it may be over before a probe has seen it: give 2",
			},
		},
		"a number in quotes": {
			edits: []string{"periodSeconds: 2", `periodSeconds: "2"`},
			want: []string{
				`31 number: readinessProbe.periodSeconds is "2": write a whole number, without quotes`,
			},
		},
		"a fraction": {
			edits: []string{"periodSeconds: 2", "periodSeconds: 0.5"},
			want: []string{
				"31 number: readinessProbe.periodSeconds is 0.5: write a whole number, without quotes",
			},
		},
		"a list": {
			edits: []string{"periodSeconds: 2", "periodSeconds: [2]"},
			want: []string{
				"31 number: readinessProbe.periodSeconds is no number: write one",
			},
		},
		"a word": {
			edits: []string{"GracePeriodSeconds: 30", "GracePeriodSeconds: long"},
			want: []string{
				`13 number: spec.template.spec.terminationGracePeriodSeconds is "long": write a whole number, without quotes`,
			},
		},
		"a time-out of none": {
			edits: []string{"timeoutSeconds: 2", "timeoutSeconds: 0"},
			want: []string{
				"27 number: livenessProbe.timeoutSeconds is 0, which stands for its default: write 1, or what you mean",
			},
		},
		"a negative time-out": {
			edits: []string{"timeoutSeconds: 2", "timeoutSeconds: -1"},
			want: []string{
				"27 number: livenessProbe.timeoutSeconds is -1: write at least 1",
			},
		},
		"a negative delay": {
			edits: []string{"periodSeconds: 2", "periodSeconds: 2\n            initialDelaySeconds: -1"},
			want: []string{
				"32 number: readinessProbe.initialDelaySeconds is -1: write at least 0",
			},
		},
		"more than a number": {
			edits: []string{"failureThreshold: 60", "failureThreshold: 99999999999999999999"},
			want: []string{
				"23 number: startupProbe.failureThreshold is 99999999999999999999: write a whole number, without quotes",
			},
		},
		"too many": {
			edits: []string{"failureThreshold: 60", "failureThreshold: 2147483648"},
			want: []string{
				"23 number: startupProbe.failureThreshold is 2147483648: write at most 2147483647",
			},
		},
		"the largest there is": {edits: []string{"failureThreshold: 60", "failureThreshold: 2147483647", "periodSeconds: 1\n", "periodSeconds: 2147483647\n            initialDelaySeconds: 2147483647\n"}},
		"two successes for life": {
			edits: []string{"failureThreshold: 3", "failureThreshold: 3\n            successThreshold: 2"},
			want: []string{
				"29 success-threshold: livenessProbe.successThreshold is 2: for liveness it has to be 1",
			},
		},
		"two successes to start": {
			edits: []string{"failureThreshold: 60", "failureThreshold: 60\n            successThreshold: 2"},
			want: []string{
				"24 success-threshold: startupProbe.successThreshold is 2: for startup it has to be 1",
			},
		},
		"two successes to serve": {edits: []string{"failureThreshold: 2", "failureThreshold: 2\n            successThreshold: 2"}},
		"a time-out longer than the period": {
			edits: []string{"timeoutSeconds: 2", "timeoutSeconds: 11"},
			want: []string{
				"27 timeout: livenessProbe.timeoutSeconds is 11, longer than periodSeconds, 10: give at most that",
			},
		},
		"one as long as the period": {edits: []string{"timeoutSeconds: 2", "timeoutSeconds: 10"}},
		"a time-out shorter than an answer": {
			budget: podspec.Budget{Answer: 1500 * time.Millisecond},
			edits:  []string{startup, ""},
			want: []string{
				"15 no-startup: startupProbe is missing: liveness restarts the container as early as 20 s after its start, which may take 60 s: ask /startupz",
				"27 answer: readinessProbe.timeoutSeconds is 1, and an answer may take 1.5 s: give at least 2",
			},
		},
		"a startup that is too short": {
			edits: []string{"failureThreshold: 60", "failureThreshold: 59"},
			want: []string{
				"23 startup: startupProbe.failureThreshold is 59: the container is restarted as early as 58 s after its start, which may take 60 s: give at least 60",
			},
		},
		"a startup in large steps": {
			edits: []string{"periodSeconds: 1\n", "periodSeconds: 10\n", "failureThreshold: 60", "failureThreshold: 6"},
			want: []string{
				"23 startup: startupProbe.failureThreshold is 6: the container is restarted as early as 50 s after its start, which may take 60 s: give at least 7",
			},
		},
		"one more step":          {edits: []string{"periodSeconds: 1\n", "periodSeconds: 10\n", "failureThreshold: 60", "failureThreshold: 7"}},
		"a startup with a delay": {edits: []string{"failureThreshold: 60", "failureThreshold: 30\n            initialDelaySeconds: 30"}},
		"and one second less": {
			edits: []string{"failureThreshold: 60", "failureThreshold: 30\n            initialDelaySeconds: 29"},
			want: []string{
				"23 startup: startupProbe.failureThreshold is 30: the container is restarted as early as 58 s after its start, which may take 60 s: give at least 31",
			},
		},
		"a startup of the defaults": {
			edits: []string{"            periodSeconds: 1\n            timeoutSeconds: 1\n            failureThreshold: 60\n", ""},
			want: []string{
				"19 startup: startupProbe.failureThreshold is 3: the container is restarted as early as 20 s after its start, which may take 60 s: give at least 7",
			},
		},
		"a longer start": {
			budget: podspec.Budget{Start: 90 * s},
			want: []string{
				"23 startup: startupProbe.failureThreshold is 60: the container is restarted as early as 59 s after its start, which may take 90 s: give at least 90",
			},
		},
		"no startup": {
			edits: []string{startup, ""},
			want: []string{
				"15 no-startup: startupProbe is missing: liveness restarts the container as early as 20 s after its start, which may take 60 s: ask /startupz",
			},
		},
		"no startup, and a patient liveness":           {edits: []string{startup, "", "failureThreshold: 3", "failureThreshold: 3\n            initialDelaySeconds: 39"}},
		"no startup, and a start that is short enough": {budget: podspec.Budget{Start: 21 * s}, edits: []string{startup, ""}},
		"nothing that kills":                           {edits: []string{startup, "", liveness, ""}},
		"one verdict kills": {
			edits: []string{"failureThreshold: 3", "failureThreshold: 2"},
			want: []string{
				"28 one-verdict: livenessProbe.failureThreshold is 2: the last failure comes 10 s after the first, and a verdict answers for 16 s: give at least 3",
			},
		},
		"a verdict that holds for long": {
			budget: podspec.Budget{MaxAge: 61 * s},
			want: []string{
				"28 one-verdict: livenessProbe.failureThreshold is 3: the last failure comes 20 s after the first, and a verdict answers for 61 s: give at least 8",
			},
		},
		"no checks on liveness": {budget: podspec.Budget{MaxAge: -1}, edits: []string{"failureThreshold: 3", "failureThreshold: 1"}},
		"liveness before readiness": {
			edits: []string{"failureThreshold: 2", "failureThreshold: 16"},
			want: []string{
				"28 eager-liveness: livenessProbe.failureThreshold × periodSeconds is 30 s, less than the 32 s of readiness: give at least 4",
			},
		},
		"liveness with readiness": {edits: []string{"failureThreshold: 2", "failureThreshold: 15"}},
		"liveness that waits less": {
			edits: []string{"timeoutSeconds: 2", "timeoutSeconds: 1", "timeoutSeconds: 1\n            failureThreshold: 2", "timeoutSeconds: 2\n            failureThreshold: 2"},
			want: []string{
				"27 eager-liveness: livenessProbe.timeoutSeconds is 1, less than the 2 of readiness: give at least that",
			},
		},
		"no readiness to compare with, in a job": {edits: []string{"kind: Deployment", "kind: Job", readiness, ""}},
		"a readiness that misses the drain": {
			edits: []string{"periodSeconds: 2", "periodSeconds: 3"},
			want: []string{
				"31 readiness-period: readinessProbe.periodSeconds is 3, and the shutdown delay 2 s: it may be over before a probe has seen it: give 2",
			},
		},
		"no drain to miss":              {budget: podspec.Budget{Delay: -1}, edits: []string{"periodSeconds: 2", "periodSeconds: 3"}},
		"a drain of less than a second": {budget: podspec.Budget{Delay: s / 2}, edits: []string{"periodSeconds: 2", "periodSeconds: 1"}},
		"a short grace period": {
			edits: []string{"GracePeriodSeconds: 30", "GracePeriodSeconds: 29"},
			want: []string{
				"13 grace-period: spec.template.spec.terminationGracePeriodSeconds is 29, and 30 is needed: 30 s that the program counts on (at most delay 10 s + linger 5 s + margin 2 s, so 13 s to spare): give that, or take the difference off its own grace period",
			},
		},
		"the default is as good": {edits: []string{"      terminationGracePeriodSeconds: 30\n", ""}},
		"the default is not enough": {
			budget: podspec.Budget{GracePeriod: 60 * s, Stops: []time.Duration{20 * s, 0}},
			edits:  []string{"      terminationGracePeriodSeconds: 30\n", ""},
			want: []string{
				"12 grace-period: spec.template.spec.terminationGracePeriodSeconds is 30, and 60 is needed: 60 s that the program counts on (at most delay 10 s + linger 5 s + stop 20 s + stop 1 s + margin 2 s, so 22 s to spare): give that, or take the difference off its own grace period",
			},
		},
		"no grace at all": {
			edits: []string{"GracePeriodSeconds: 30", "GracePeriodSeconds: 0"},
			want: []string{
				"13 grace-period: spec.template.spec.terminationGracePeriodSeconds is 0, and 30 is needed: 30 s that the program counts on (at most delay 10 s + linger 5 s + margin 2 s, so 13 s to spare): give that, or take the difference off its own grace period",
			},
		},
		"a hook that nobody told": {
			edits: []string{startup, sleeps5 + startup},
			want: []string{
				"13 grace-period: spec.template.spec.terminationGracePeriodSeconds is 30, and 35 is needed: 5 s for preStop, and 30 s that the program counts on (at most delay 10 s + linger 5 s + margin 2 s, so 13 s to spare): give that, or take the difference off its own grace period",
				"19 pre-stop: lifecycle.preStop takes 5 s, after which the program delays for 2 s more: leave it out, or shorten the delay and say so in Budget.PreStop: 5s",
			},
		},
		"a hook instead of the delay": {budget: podspec.Budget{Delay: -1, GracePeriod: 25 * s}, edits: []string{startup, sleeps5 + startup}},
		"a hook that is planned":      {budget: podspec.Budget{PreStop: 5 * s}, edits: []string{startup, sleeps5 + startup, "Seconds: 30", "Seconds: 35"}},
		"one that is longer":          {budget: podspec.Budget{PreStop: 4 * s}, edits: []string{startup, sleeps5 + startup, "Seconds: 30", "Seconds: 35"}},
		"one that is shorter": {
			budget: podspec.Budget{PreStop: 6 * s},
			edits:  []string{startup, sleeps5 + startup, "Seconds: 30", "Seconds: 36"},
			want: []string{
				"19 pre-stop: lifecycle.preStop takes 5 s, and the program counts on 6 s: set sleep: {seconds: 6}, or give it back its shutdown delay",
			},
		},
		"one that is not there": {
			budget: podspec.Budget{PreStop: 6 * s},
			edits:  []string{"Seconds: 30", "Seconds: 36"},
			want: []string{
				"15 pre-stop: lifecycle.preStop takes 0 s, and the program counts on 6 s: set sleep: {seconds: 6}, or give it back its shutdown delay",
			},
		},
		"a hook with a sleep of none": {edits: []string{startup, "          lifecycle: {preStop: {sleep: {seconds: 0}}}\n" + startup}},
		"a hook without a number": {
			edits: []string{startup, "          lifecycle: {preStop: {sleep: {seconds: 5s}}}\n" + startup},
			want: []string{
				`19 number: lifecycle.preStop.sleep.seconds is "5s": write a whole number, without quotes`,
			},
		},
		"a hook in a shell": {
			edits: []string{startup, "          lifecycle: {preStop: {exec: {command: [/bin/sh, -c, sleep 5]}}}\n" + startup},
			want: []string{
				"13 grace-period: spec.template.spec.terminationGracePeriodSeconds is 30, and 35 is needed: 5 s for preStop, and 30 s that the program counts on (at most delay 10 s + linger 5 s + margin 2 s, so 13 s to spare): give that, or take the difference off its own grace period",
				"19 pre-stop: lifecycle.preStop takes 5 s, after which the program delays for 2 s more: leave it out, or shorten the delay and say so in Budget.PreStop: 5s",
				"19 pre-stop-exec: lifecycle.preStop.exec runs the image's sleep: use sleep: {seconds: 5}, which the kubelet does itself since Kubernetes 1.30",
			},
		},
		"a hook that is sleep": {
			edits: []string{startup, "          lifecycle: {preStop: {exec: {command: [sleep, 5s]}}}\n" + startup},
			want: []string{
				"13 grace-period: spec.template.spec.terminationGracePeriodSeconds is 30, and 35 is needed: 5 s for preStop, and 30 s that the program counts on (at most delay 10 s + linger 5 s + margin 2 s, so 13 s to spare): give that, or take the difference off its own grace period",
				"19 pre-stop: lifecycle.preStop takes 5 s, after which the program delays for 2 s more: leave it out, or shorten the delay and say so in Budget.PreStop: 5s",
				"19 pre-stop-exec: lifecycle.preStop.exec runs the image's sleep: use sleep: {seconds: 5}, which the kubelet does itself since Kubernetes 1.30",
			},
		},
		"a hook that does more": {
			edits: []string{startup, "          lifecycle: {preStop: {exec: {command: [sh, -c, nginx -s quit; sleep 5]}}}\n" + startup},
			want: []string{
				"19 pre-stop: lifecycle.preStop takes a time that cannot be seen here: use sleep, or say how long in Budget.PreStop",
			},
		},
		"a hook that asks": {
			edits: []string{startup, "          lifecycle: {preStop: {httpGet: {path: /drain, port: admin}}}\n" + startup},
			want: []string{
				"19 pre-stop: lifecycle.preStop takes a time that cannot be seen here: use sleep, or say how long in Budget.PreStop",
			},
		},
		"a hook that asks, planned": {budget: podspec.Budget{PreStop: 5 * s}, edits: []string{startup, "          lifecycle: {preStop: {httpGet: {path: /drain, port: admin}}}\n" + startup, "Seconds: 30", "Seconds: 35"}},
		"a hook that does nothing":  {edits: []string{startup, "          lifecycle: {preStop: {}}\n" + startup}},
		"a hook as long as the period": {
			budget: podspec.Budget{PreStop: 5 * s, GracePeriod: s},
			edits:  []string{startup, sleeps5 + startup, "Seconds: 30", "Seconds: 5"},
			want: []string{
				"13 grace-period: spec.template.spec.terminationGracePeriodSeconds is 5, and 6 is needed: 5 s for preStop, and 1 s that the program counts on (at most delay 0.4 s + linger 0.2 s + margin 0.2 s, so 0.2 s to spare): give that, or take the difference off its own grace period",
				"19 pre-stop-length: lifecycle.preStop takes 5 s, all of terminationGracePeriodSeconds, 5: give less",
			},
		},
		"a hook as long as liveness waits": {
			budget: podspec.Budget{PreStop: 5 * s},
			edits:  []string{startup, sleeps5 + startup, "Seconds: 30", "Seconds: 35", "failureThreshold: 3", "failureThreshold: 3\n            terminationGracePeriodSeconds: 5"},
			want: []string{
				"19 pre-stop-length: lifecycle.preStop takes 5 s, all that liveness leaves when it fails, 5: give less",
			},
		},
		"a grace period for readiness": {
			edits: []string{"failureThreshold: 2", "failureThreshold: 2\n            terminationGracePeriodSeconds: 5"},
			want: []string{
				"34 probe-grace: readinessProbe.terminationGracePeriodSeconds is not for readiness: leave it out",
			},
		},
		"a longer one for liveness": {
			edits: []string{"failureThreshold: 3", "failureThreshold: 3\n            terminationGracePeriodSeconds: 31"},
			want: []string{
				"29 probe-grace: livenessProbe.terminationGracePeriodSeconds is 31, longer than the pod's 30: give less, or leave it out",
			},
		},
		"a longer one for startup": {
			edits: []string{"failureThreshold: 60", "failureThreshold: 60\n            terminationGracePeriodSeconds: 31"},
			want: []string{
				"24 probe-grace: startupProbe.terminationGracePeriodSeconds is 31, longer than the pod's 30: give less, or leave it out",
			},
		},
		"a shorter one for liveness": {edits: []string{"failureThreshold: 3", "failureThreshold: 3\n            terminationGracePeriodSeconds: 10"}},
		"none for liveness": {
			edits: []string{"failureThreshold: 3", "failureThreshold: 3\n            terminationGracePeriodSeconds: 0"},
			want: []string{
				"29 number: livenessProbe.terminationGracePeriodSeconds is 0: write at least 1",
			},
		},
		"all are replaced at once": {
			edits: []string{"rollingUpdate:\n      maxSurge: 1\n      maxUnavailable: 0", "type: Recreate"},
			want: []string{
				"8 rollout: spec.strategy.type is Recreate, which stops all instances before it starts one: use RollingUpdate",
			},
		},
		"the only one goes first": {
			edits: []string{"replicas: 3", "replicas: 1", "maxUnavailable: 0", "maxUnavailable: 1"},
			want: []string{
				"10 rollout: spec.strategy.rollingUpdate.maxUnavailable lets 1 of 1 instances be gone: let it be 0, and maxSurge 1",
			},
		},
		"the only one goes by rounding": {
			edits: []string{"replicas: 3", "replicas: 1", "maxUnavailable: 0", "maxUnavailable: 25%", "maxSurge: 1", "maxSurge: 0%"},
			want: []string{
				"10 rollout: spec.strategy.rollingUpdate.maxUnavailable lets 1 of 1 instances be gone: let it be 0, and maxSurge 1",
			},
		},
		"the only one goes by default": {
			edits: []string{"replicas: 3", "replicas: 1", "\n      maxUnavailable: 0", "", "maxSurge: 1", "maxSurge: 0"},
			want: []string{
				"8 rollout: spec.strategy.rollingUpdate.maxUnavailable lets 1 of 1 instances be gone: let it be 0, and maxSurge 1",
			},
		},
		"the only one stays by default": {edits: []string{"replicas: 3", "replicas: 1", "  strategy:\n    rollingUpdate:\n      maxSurge: 1\n      maxUnavailable: 0\n", ""}},
		"all of them may go": {
			edits: []string{"maxUnavailable: 0", "maxUnavailable: 100%"},
			want: []string{
				"10 rollout: spec.strategy.rollingUpdate.maxUnavailable lets 3 of 3 instances be gone: let it be 0, and maxSurge 1",
			},
		},
		"two of three may go":  {edits: []string{"maxUnavailable: 0", "maxUnavailable: 99%"}},
		"an autoscaler counts": {edits: []string{"  replicas: 3\n", "", "maxUnavailable: 0", "maxUnavailable: 1"}},
		"an autoscaler's may all go": {
			edits: []string{"  replicas: 3\n", "", "maxUnavailable: 0", "maxUnavailable: 100%"},
			want: []string{
				"9 rollout: spec.strategy.rollingUpdate.maxUnavailable lets 1 of 1 instances be gone: let it be 0, and maxSurge 1",
			},
		},
		"nobody is there":                 {edits: []string{"replicas: 3", "replicas: 0", "maxUnavailable: 0", "maxUnavailable: 1"}},
		"a StatefulSet replaces in place": {edits: []string{"kind: Deployment", "kind: StatefulSet", "replicas: 3", "replicas: 1", "maxUnavailable: 0", "maxUnavailable: 1"}},
	}
	broken := map[string]bool{}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			findings := lint(t, tt.budget, edit(t, deployment, tt.edits...))
			for _, f := range findings {
				broken[f.Rule] = true
				require.Equal(t, podspec.Rules()[f.Rule], f.Why)
				require.Equal(t, "Deployment/api", f.Object)
			}
			require.Equal(t, tt.want, lines(findings))
		})
	}
	for rule := range podspec.Rules() {
		require.True(t, broken[rule], "no test breaks the rule %s", rule)
	}
}
