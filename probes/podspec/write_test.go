package podspec_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/handover-go/handover/probes/podspec"
)

func write(t testing.TB, budget podspec.Budget) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, budget.Write(&out))
	return out.String()
}

// asPod makes a whole manifest of what is printed, with the ports that it speaks of.
func asPod(printed string) string {
	return "kind: Pod\nspec:\n  " + strings.TrimSuffix(strings.ReplaceAll(printed, "\n", "\n  "), "  ") +
		"      ports:\n        - {name: admin, containerPort: 8081}\n        - {name: \"null\", containerPort: 8082}\n"
}

func TestWrite(t *testing.T) {
	tests := map[string]struct {
		budget podspec.Budget
		want   string
	}{
		"the defaults": {podspec.Budget{}, `
terminationGracePeriodSeconds: 30 # 30 s from SIGTERM to SIGKILL: at most delay 10 s + linger 5 s + margin 2 s, so 13 s to spare
containers:
  - name: app
    startupProbe: # until it passes, the other two are not asked
      httpGet:
        path: /startupz
        port: admin
      periodSeconds: 1 # the shortest there is: a rollout waits for this answer once a pod
      timeoutSeconds: 1 # the longest that an answer takes: 1 s
      failureThreshold: 60 # for as long as the longest start: 60 s
    livenessProbe: # it stays green while the pod drains
      httpGet:
        path: /livez
        port: admin
      periodSeconds: 10 # a restart is the last resort: nobody waits for this answer
      timeoutSeconds: 2 # twice that of readiness: a slow node is taken out before it is restarted
      failureThreshold: 3 # the last comes 20 s after the first; a verdict holds for 16 s, so that no single one kills
    readinessProbe: # it fails as soon as the pod drains
      httpGet:
        path: /readyz
        port: admin
      periodSeconds: 2 # each shutdown delay, 2 s, is seen by a probe
      timeoutSeconds: 1 # a node this busy should get less traffic
      failureThreshold: 2 # one lost packet is none
`},
		"everything": {podspec.Budget{
			Start: 150 * s, GracePeriod: 60 * s, Margin: 3 * s, PreStop: 5 * s, Linger: 4 * s, Stops: []time.Duration{20 * s, 0}, LivenessGrace: 10 * s,
			MaxAge: 45 * s, Answer: 2500 * time.Millisecond, Container: "on", AdminPort: "8081", StartupPath: "/a", LivenessPath: "/b", ReadinessPath: "/c",
		}, `
terminationGracePeriodSeconds: 65 # preStop 5 s, then 60 s from SIGTERM to SIGKILL: at most delay 10 s + linger 4 s + stop 20 s + stop 1 s + margin 3 s, so 22 s to spare
containers:
  - name: "on"
    startupProbe: # until it passes, the other two are not asked
      httpGet:
        path: /a
        port: 8081
      periodSeconds: 3 # no shorter than its time-out: probes do not overlap
      timeoutSeconds: 3 # the longest that an answer takes: 2.5 s
      failureThreshold: 51 # for as long as the longest start: 150 s
      terminationGracePeriodSeconds: 10 # instead of the pod's: what is broken is not waited for
    livenessProbe: # it stays green while the pod drains
      httpGet:
        path: /b
        port: 8081
      periodSeconds: 10 # a restart is the last resort: nobody waits for this answer
      timeoutSeconds: 6 # twice that of readiness: a slow node is taken out before it is restarted
      failureThreshold: 6 # the last comes 50 s after the first; a verdict holds for 45 s, so that no single one kills
      terminationGracePeriodSeconds: 10 # instead of the pod's: what is broken is not waited for
    readinessProbe: # it fails as soon as the pod drains
      httpGet:
        path: /c
        port: 8081
      periodSeconds: 3 # there is no shutdown delay that it could miss
      timeoutSeconds: 3 # a node this busy should get less traffic
      failureThreshold: 2 # one lost packet is none
    lifecycle:
      preStop:
        sleep: # since Kubernetes 1.30; it needs no shell in the image
          seconds: 5 # a delay before SIGTERM: they add up, so that of the program has to be 0 s
`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, strings.TrimPrefix(tt.want, "\n"), write(t, tt.budget))
		})
	}
}

// budgets are those of programs that exist, and some at the edge of what can be.
func budgets() map[string]podspec.Budget {
	const ms, year = time.Millisecond, 365 * 24 * time.Hour
	return map[string]podspec.Budget{
		"the defaults":           {},
		"docker stop, Cloud Run": {GracePeriod: 10 * s},
		"Nomad":                  {GracePeriod: 5 * s},
		"nothing of anything":    {GracePeriod: 1, Start: 1, Margin: -1, Delay: -1, DelayMax: -1, Linger: -1, MaxAge: -1, Answer: -1, PreStop: -1, LivenessGrace: -1, Stops: []time.Duration{-1}},
		"much of everything":     {GracePeriod: year, Start: year, Margin: year / 10, Delay: year / 10, DelayMax: year / 5, Linger: year / 5, MaxAge: year, Answer: year, PreStop: year / 2, LivenessGrace: year, Stops: []time.Duration{year / 5}},
		"fractions":              {GracePeriod: 29700 * ms, Start: 1300 * ms, Margin: 700 * ms, Delay: 1900 * ms, PreStop: 4200 * ms, LivenessGrace: 5200 * ms, MaxAge: 20001 * ms, Answer: 1100 * ms},
		"a hook":                 {PreStop: 5 * s},
		"a hook of a moment":     {PreStop: ms},
		"a hook and a delay":     {PreStop: 5 * s, Delay: 5 * s},
		"slow answers":           {Answer: 7 * s},
		"a long delay":           {Delay: 20 * s, GracePeriod: 60 * s},
		"a short delay":          {Delay: ms},
		"only the longest":       {Delay: -1, DelayMax: 10 * s},
		"all of it":              {Margin: 2 * s, DelayMax: 10 * s, Linger: 5 * s, Stops: []time.Duration{13 * s}},
		"no hurry with liveness": {LivenessGrace: 35 * s, PreStop: 5 * s},
		"names that mean more":   {Container: "null", AdminPort: "null"},
		"a container's number":   {Container: "123"},
	}
}

func TestWhatIsPrintedFits(t *testing.T) {
	for name, budget := range budgets() {
		t.Run(name, func(t *testing.T) {
			printed := write(t, budget)
			require.Empty(t, lint(t, budget, asPod(printed)), printed)
		})
	}
}

func TestEachNumberHasItsReason(t *testing.T) {
	for name, budget := range budgets() {
		t.Run(name, func(t *testing.T) {
			for line := range strings.Lines(write(t, budget)) {
				if strings.Contains(line, "econds: ") || strings.Contains(line, "Threshold: ") {
					require.Regexp(t, `: [0-9]+ # [a-z0-9]`, line)
				}
			}
		})
	}
}

// The Deployment of the examples was written by hand, with the reasons of its own.
func TestTheDefaultsAreThoseOfTheExamples(t *testing.T) {
	text, err := os.ReadFile("../../examples/deploy/kubernetes/deployment.yaml")
	require.NoError(t, err)
	var deployment struct {
		Spec struct{ Template struct{ Spec map[string]any } }
	}
	require.NoError(t, yaml.Unmarshal(text, &deployment))
	there := deployment.Spec.Template.Spec
	var printed map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(write(t, podspec.Budget{Container: "minimal"})), &printed))

	app := func(spec map[string]any) map[string]any { return spec["containers"].([]any)[0].(map[string]any) }
	for _, key := range []string{"startupProbe", "livenessProbe", "readinessProbe", "name", "lifecycle"} {
		require.Equal(t, app(there)[key], app(printed)[key], key)
	}
	require.Equal(t, there["terminationGracePeriodSeconds"], printed["terminationGracePeriodSeconds"])
}

// A number that is made smaller in what is printed is missed by something, or does
// not matter; and none may be zero.
func TestWhatIsPrintedIsNotTooMuch(t *testing.T) {
	printed := asPod(write(t, podspec.Budget{PreStop: 3 * s, LivenessGrace: 4 * s}))
	for _, number := range []string{
		"terminationGracePeriodSeconds: 33", "failureThreshold: 60", "failureThreshold: 3", "terminationGracePeriodSeconds: 4", "seconds: 3",
	} {
		key, n, _ := strings.Cut(number, ": ")
		var less int
		_, err := fmt.Sscan(n, &less)
		require.NoError(t, err)
		spoiled := edit(t, printed, number+" ", fmt.Sprintf("%s: %d ", key, less-1))
		require.NotEmpty(t, lint(t, podspec.Budget{PreStop: 3 * s, LivenessGrace: 4 * s}, spoiled), number)
	}
}

type full struct{ written int }

var errFull = errors.New("disk full")

func (f *full) Write(p []byte) (int, error) { f.written++; return 0, errFull }

func TestWriteFails(t *testing.T) {
	var disk full
	err := podspec.Budget{}.Write(&disk)
	require.ErrorIs(t, err, errFull)
	require.EqualError(t, err, "podspec: write: disk full")
	require.Equal(t, 1, disk.written)

	disk = full{}
	require.Error(t, podspec.Budget{Start: -1}.Write(&disk))
	require.Zero(t, disk.written, "a budget with mistakes prints nothing")
}
