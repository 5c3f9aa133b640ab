package kubernetes_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/handover-go/handover/lifecycle"
	"github.com/handover-go/handover/probes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// defaults are those of the code, as it behaves and not as it is documented.
type defaults struct {
	grace, budget, start             time.Duration
	delay, interval, timeout, maxAge time.Duration
	api, admin                       int
}

// code asks lifecycle for its plan and observes probes in virtual time.
func code(t *testing.T) defaults {
	t.Helper()
	app := lifecycle.New(lifecycle.Config{})
	app.Add(lifecycle.Component{Name: "any", Run: func(context.Context) error { return nil }})
	plan, err := app.Plan()
	require.NoError(t, err)
	d := defaults{grace: plan.GracePeriod, budget: plan.Budget(), start: plan.StartTimeout}
	d.admin, d.api = ports(t)
	synctest.Test(t, d.observe)
	return d
}

func (d *defaults) observe(t *testing.T) {
	set := probes.New(probes.Config{})
	began := time.Now()
	require.NoError(t, set.Drain(t.Context()))
	d.delay = time.Since(began)

	// A check that passes: how often it runs, how much time it gets, and when its
	// last verdict expires.
	const runs = 1000
	var starts []time.Time
	set = probes.New(probes.Config{Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, set.Add(probes.Check{
		Name: "any", Kind: probes.Readiness, Scope: probes.Local,
		Run: func(ctx context.Context) error {
			starts = append(starts, time.Now())
			deadline, ok := ctx.Deadline()
			d.timeout = time.Until(deadline)
			if !ok || len(starts) == runs { // without a deadline the time-out is nonsense, and the test fails
				time.AfterFunc(time.Millisecond, cancel) // after the verdict
			}
			return nil
		},
	}))
	require.NoError(t, set.Ready(ctx))
	require.NoError(t, set.Run(ctx))
	// The jitter of the interval is fair; its mean of so many is off by less.
	d.interval = (starts[runs-1].Sub(starts[0]) / (runs - 1)).Round(500 * time.Millisecond)

	for range 1000 { // Run has ended: nothing renews the verdict
		if status(set, "/readyz") == http.StatusOK {
			time.Sleep(100 * time.Millisecond)
		}
	}
	d.maxAge = time.Since(starts[runs-1]).Truncate(time.Second)
}

func status(set *probes.Set, path string) int {
	answer := httptest.NewRecorder()
	set.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Code
}

// ports are those that the README's program listens on, in the order in which
// they stand there: that of admin, that of the API.
func ports(t *testing.T) (admin, api int) {
	t.Helper()
	const program = "../../minimal/main.go"
	tree, err := parser.ParseFile(token.NewFileSet(), program, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	var found []int
	ast.Inspect(tree, func(node ast.Node) bool {
		field, ok := node.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		key, isName := field.Key.(*ast.Ident)
		text, isText := field.Value.(*ast.BasicLit)
		if isName && isText && key.Name == "Addr" {
			port, err := strconv.Atoi(strings.TrimPrefix(strings.Trim(text.Value, `"`), ":"))
			require.NoError(t, err, "%s: Addr: %s is not of the form \":8080\"", program, text.Value)
			found = append(found, port)
		}
		return true
	})
	require.Len(t, found, 2, "%s: the addresses of admin and api", program)
	return found[0], found[1]
}

const (
	pod       = "spec.template.spec."
	container = pod + "containers[0]."
)

// compare returns how the Deployment differs from the code, and each number in it
// that is compared with nothing.
func compare(m manifest, code defaults) error {
	var errs []error
	known := map[string]bool{}
	number := func(path string) int {
		known[path] = true
		n, err := m.number(path)
		errs = append(errs, err)
		return n
	}
	seconds := func(path string) time.Duration { return time.Duration(number(path)) * time.Second }
	equal := func(what string, got, want any) {
		if got != want {
			errs = append(errs, fmt.Errorf("%s is %v in the Deployment and %v in the code", what, got, want))
		}
	}
	less := func(what string, a, b time.Duration) {
		if a >= b {
			errs = append(errs, fmt.Errorf("%s: %v is not less than %v", what, a, b))
		}
	}
	startup, liveness, readiness := container+"startupProbe.", container+"livenessProbe.", container+"readinessProbe."

	equal("the grace period", seconds(pod+"terminationGracePeriodSeconds"), code.grace)
	equal("the port of the API", number(container+"ports[0].containerPort"), code.api)
	equal("the port of admin", number(container+"ports[1].containerPort"), code.admin)
	equal("the start time-out", seconds(startup+"periodSeconds")*time.Duration(number(startup+"failureThreshold")), code.start)
	equal("the shutdown delay (one period of readiness)", seconds(readiness+"periodSeconds"), code.delay)
	equal("a check's time-out (that of readiness)", seconds(readiness+"timeoutSeconds"), code.timeout)
	less("readiness is asked more often than checks run", seconds(readiness+"periodSeconds"), code.interval)
	less("readiness fails within one interval of a check",
		seconds(readiness+"periodSeconds")*time.Duration(number(readiness+"failureThreshold")), code.interval)
	less("a verdict expires before liveness kills",
		code.maxAge, seconds(liveness+"periodSeconds")*time.Duration(number(liveness+"failureThreshold")))
	less("a probe waits longer for liveness than for readiness", seconds(readiness+"timeoutSeconds"), seconds(liveness+"timeoutSeconds"))
	equal("the time-out of startup (that of a check)", seconds(startup+"timeoutSeconds"), code.timeout)
	equal("surge", number("spec.strategy.rollingUpdate.maxSurge"), 1)
	equal("unavailable", number("spec.strategy.rollingUpdate.maxUnavailable"), 0)
	equal("the deadline of a release (twice the start time-out)", seconds("spec.progressDeadlineSeconds"), 2*code.start)
	for i := range 2 {
		equal("the skew", number(fmt.Sprintf("%stopologySpreadConstraints[%d].maxSkew", pod, i)), 1)
	}
	less("there is a replica", 0, time.Duration(number("spec.replicas")))

	for _, path := range m.numbers() {
		if !known[path] {
			errs = append(errs, fmt.Errorf("%s: this number is compared with nothing", path))
		}
	}
	errs = append(errs, inWords(m, code))
	return errors.Join(errs...)
}

// inWords compares what is no number of its own: the probes' paths and ports, the
// defaults that comments speak of, and that there is no preStop hook.
func inWords(m manifest, code defaults) error {
	var errs []error
	for probe, path := range map[string]string{"startupProbe": "/startupz", "livenessProbe": "/livez", "readinessProbe": "/readyz"} {
		get := container + probe + ".httpGet."
		if got := m[get+"path"].text; got != path {
			errs = append(errs, fmt.Errorf("%s asks %q; the code answers %q", probe, got, path))
		}
		if got := m[get+"port"].text; got != m[container+"ports[1].name"].text || got == "" {
			errs = append(errs, fmt.Errorf("%s asks port %q: it has to be that of admin, which stops last", probe, got))
		}
	}
	for path, says := range map[string]string{
		pod + "terminationGracePeriodSeconds":        fmt.Sprintf("%.0f s", code.budget.Seconds()),
		container + "livenessProbe.failureThreshold": fmt.Sprintf("MaxAge, %.0f s", code.maxAge.Seconds()),
		container + "readinessProbe.periodSeconds":   fmt.Sprintf("Interval, %.0f s", code.interval.Seconds()),
		container + "startupProbe.failureThreshold":  fmt.Sprintf("StartTimeout, %.0f min", code.start.Minutes()),
	} {
		if comment := m[path].comment; !strings.Contains(comment, says) {
			errs = append(errs, fmt.Errorf("%s: the comment %q does not say %q", path, comment, says))
		}
	}
	for path := range m {
		if strings.Contains(path, "preStop") {
			errs = append(errs, fmt.Errorf("%s: the delay is probes.Drain; a hook would be added to it", path))
		}
	}
	return errors.Join(errs...)
}

func read(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("deployment.yaml")
	require.NoError(t, err)
	return string(text)
}

func TestTheNumbersAreThoseOfTheCode(t *testing.T) {
	m, err := parse(read(t))
	require.NoError(t, err)
	require.NoError(t, compare(m, code(t)))
}

func TestOtherNumbersAreNot(t *testing.T) {
	text, have := read(t), code(t)
	tests := map[string]struct{ from, to, want string }{
		"another grace period":           {"GracePeriodSeconds: 30", "GracePeriodSeconds: 60", "the grace period is 1m0s in the Deployment and 30s in the code"},
		"another start time-out":         {"failureThreshold: 60", "failureThreshold: 30", "the start time-out is 30s"},
		"another shutdown delay":         {"periodSeconds: 2 #", "periodSeconds: 3 #", "the shutdown delay"},
		"another port":                   {"containerPort: 8080", "containerPort: 80", "the port of the API is 80"},
		"more surge":                     {"maxSurge: 1", "maxSurge: 2", "surge is 2"},
		"an unavailable pod":             {"maxUnavailable: 0", "maxUnavailable: 1", "unavailable is 1"},
		"a share of pods":                {"maxSurge: 1", "maxSurge: 25%", `"25%" is no whole number`},
		"a shorter release":              {"progressDeadlineSeconds: 120", "progressDeadlineSeconds: 60", "the deadline of a release"},
		"more skew":                      {"maxSkew: 1", "maxSkew: 2", "the skew is 2"},
		"no replica":                     {"replicas: 3", "replicas: 0", "there is a replica"},
		"a liveness that kills early":    {"periodSeconds: 10", "periodSeconds: 5", "a verdict expires before liveness kills"},
		"a number without its reason":    {"containerPort: 8080 #", "containerPort: 8080\n#", "8080 has no comment"},
		"a number of which nobody knows": {"  replicas:", "  minReadySeconds: 5 # why\n  replicas:", "spec.minReadySeconds: this number is compared with nothing"},
		"a comment with another number":  {"MaxAge, 16 s", "MaxAge, 15 s", `does not say "MaxAge, 16 s"`},
		"another path":                   {"path: /livez", "path: /healthy", `livenessProbe asks "/healthy"`},
		"a probe on the API's port":      {"port: admin", "port: api", `asks port "api"`},
		"a preStop hook":                 {"          ports:", "          lifecycle:\n            preStop:\n              sleep:\n          ports:", "a hook would be added to it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, text, tt.from)
			m, err := parse(strings.Replace(text, tt.from, tt.to, 1))
			require.NoError(t, err)
			require.ErrorContains(t, compare(m, have), tt.want)
		})
	}

	whole, err := parse(text)
	require.NoError(t, err)
	for _, path := range whole.numbers() {
		t.Run("without "+path, func(t *testing.T) {
			m := maps.Clone(whole)
			delete(m, path)
			require.ErrorContains(t, compare(m, have), path+": there is no such key")
		})
	}
}
