package podspec_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes/podspec"
)

func TestBudgetsThatContradictThemselves(t *testing.T) {
	const path = `^/[A-Za-z0-9._~/-]*$`
	tests := map[string]struct {
		budget podspec.Budget
		want   []string
	}{
		"more than the grace period": {
			podspec.Budget{Stops: []time.Duration{20 * s, 10 * s}},
			[]string{"podspec: budget: stop 20 s + stop 10 s + margin 2 s = 32 s, and GracePeriod is 30 s: raise it, here and in the program, or lower the others"},
		},
		"a delay that is longer than all": {
			podspec.Budget{Delay: 40 * s},
			[]string{"podspec: budget: delay 40 s + margin 2 s = 42 s, and GracePeriod is 30 s: raise it, here and in the program, or lower the others"},
		},
		"a grace period for a stop of its own": {
			podspec.Budget{GracePeriod: 10 * s, Linger: 5 * s, DelayMax: 4 * s},
			[]string{"podspec: budget: delay 4 s + linger 5 s + margin 2 s = 11 s, and GracePeriod is 10 s: raise it, here and in the program, or lower the others"},
		},
		"one path for two questions": {
			podspec.Budget{LivenessPath: "/health", ReadinessPath: "/health"},
			[]string{"podspec: budget: LivenessPath and ReadinessPath are both /health: a drain would fail liveness too, give each question its own path"},
		},
		"a liveness that leaves no time": {
			podspec.Budget{LivenessGrace: 5 * s, PreStop: 5 * s},
			[]string{"podspec: budget: LivenessGrace 5 s leaves nothing for a stop after PreStop 5 s: give at least 6 s"},
		},
		"a liveness that waits the longest": {
			podspec.Budget{LivenessGrace: 36 * s, PreStop: 5 * s},
			[]string{"podspec: budget: LivenessGrace 36 s is longer than PreStop + GracePeriod = 35 s: give less, or leave it out"},
		},
		"no end": {
			podspec.Budget{Start: -1, GracePeriod: -1},
			[]string{
				"podspec: budget: Start is -1ns: give the longest that a start may take, as no probe fits one without an end",
				"podspec: budget: GracePeriod is -1ns: give the time from SIGTERM to SIGKILL, or leave it out for 30 s",
			},
		},
		"for ever": {
			podspec.Budget{Start: 1<<63 - 1, Stops: []time.Duration{s, 1<<63 - 1}, MaxAge: 366 * 24 * time.Hour},
			[]string{
				"podspec: budget: MaxAge is 8784h0m0s: give at most 8760h0m0s",
				"podspec: budget: Start is 2562047h47m16.854775807s: give at most 8760h0m0s",
				"podspec: budget: Stops[1] is 2562047h47m16.854775807s: give at most 8760h0m0s",
			},
		},
		"words that are YAML": {
			podspec.Budget{Container: "a: b", AdminPort: "8081 # x", StartupPath: "startupz", LivenessPath: "/a\nb", ReadinessPath: "/a?b"},
			[]string{
				`podspec: budget: Container is "a: b": give what matches ^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`,
				`podspec: budget: AdminPort is "8081 # x": give what matches ^([1-9][0-9]{0,4}|[a-z0-9-]*[a-z][a-z0-9-]*)$`,
				`podspec: budget: StartupPath is "startupz": give what matches ` + path,
				`podspec: budget: LivenessPath is "/a\nb": give what matches ` + path,
				`podspec: budget: ReadinessPath is "/a?b": give what matches ` + path,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.EqualError(t, tt.budget.Write(&out), strings.Join(tt.want, "\n"))
			require.Empty(t, out.String())
			findings, err := tt.budget.Lint([]byte(deployment))
			require.EqualError(t, err, strings.Join(tt.want, "\n"))
			require.Empty(t, findings)
		})
	}
}

func TestManyStopsDoNotOverflow(t *testing.T) {
	stops := make([]time.Duration, 1000)
	for i := range stops {
		stops[i] = 365 * 24 * time.Hour
	}
	require.ErrorContains(t, podspec.Budget{Stops: stops}.Write(new(bytes.Buffer)), "= 3153600000 s, and GracePeriod is 30 s")
}

func TestABudgetIsNotChanged(t *testing.T) {
	stops := []time.Duration{0, -1, 3 * s}
	budget := podspec.Budget{Stops: stops}
	write(t, budget)
	lint(t, budget, deployment)
	require.Equal(t, []time.Duration{0, -1, 3 * s}, stops)
}
