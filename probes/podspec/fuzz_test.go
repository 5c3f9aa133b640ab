package podspec_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes/podspec"
)

// Whatever is read, it ends, and what is found has its place in it.
func FuzzLint(f *testing.F) {
	f.Add([]byte(deployment))
	f.Add([]byte(asPod(write(f, podspec.Budget{PreStop: 5 * s}))))
	f.Add([]byte("kind: List\nitems:\n- &a {kind: Pod, spec: {containers: [&c {livenessProbe: {<<: *c}}]}}\n- *a\n"))
	f.Add([]byte("{\"kind\": \"CronJob\", \"spec\": {\"jobTemplate\": {\"spec\": {\"template\": {\"spec\": {\"containers\": [{}]}}}}}}"))
	f.Add([]byte("kind: Pod\nspec: {containers: [{lifecycle: {preStop: {exec: {command: [sh, -c, sleep 5]}}}}]}\n---\nkind: Deployment\nspec: {replicas: 1, strategy: {rollingUpdate: {maxUnavailable: 7%}}, template: {spec: {containers: [null]}}}"))
	f.Fuzz(func(t *testing.T, manifest []byte) {
		findings, err := podspec.Budget{AdminPort: "admin"}.Lint(manifest)
		for _, finding := range findings {
			require.NotEmpty(t, finding.Object)
			require.NotEmpty(t, finding.Path)
			require.NotEmpty(t, finding.Message)
			require.Contains(t, podspec.Rules(), finding.Rule)
			require.Positive(t, finding.Line)
			require.LessOrEqual(t, finding.Line, 1+bytes.Count(manifest, []byte("\n"))+bytes.Count(manifest, []byte("\r"))+
				bytes.Count(manifest, []byte("\u0085"))+bytes.Count(manifest, []byte("\u2028"))+bytes.Count(manifest, []byte("\u2029")))
		}
		if err != nil {
			require.Regexp(t, `^podspec: lint: `, err.Error())
		}
	})
}

// Whatever the budget: it is refused, or what is printed fits it.
func FuzzWrite(f *testing.F) {
	f.Add(int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), "", "")
	f.Add(int64(60*s), int64(90*s), int64(3*s), int64(5*s), int64(2*s), int64(9*s), int64(4*s), int64(20*s), int64(10*s), int64(45*s), int64(2*s), "on", "8081")
	f.Add(int64(1), int64(1), int64(-1), int64(-1), int64(-1), int64(1), int64(1), int64(-1), int64(1), int64(1), int64(1), "1e3", "0x1f")
	f.Fuzz(func(t *testing.T, start, grace, margin, preStop, delay, delayMax, linger, stop, livenessGrace, maxAge, answer int64, container, port string) {
		d := func(n int64) time.Duration { return time.Duration(n) }
		budget := podspec.Budget{
			Start: d(start), GracePeriod: d(grace), Margin: d(margin), PreStop: d(preStop), Delay: d(delay), DelayMax: d(delayMax),
			Linger: d(linger), Stops: []time.Duration{d(stop), d(stop)}, LivenessGrace: d(livenessGrace), MaxAge: d(maxAge), Answer: d(answer),
			Container: container, AdminPort: port,
		}
		var out bytes.Buffer
		if err := budget.Write(&out); err != nil {
			require.Regexp(t, `^podspec: budget: `, err.Error())
			return
		}
		findings, err := budget.Lint([]byte(asPod(out.String())))
		require.NoError(t, err, out.String())
		for _, finding := range findings {
			require.Equal(t, "unknown-port", finding.Rule, "%v in\n%s", finding, out.String())
		}
	})
}
