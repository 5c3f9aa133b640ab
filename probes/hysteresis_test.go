package probes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
)

// says makes a check's Run that fails with a ReasonError.
func says(reason string, degrading bool) run {
	return func(context.Context) error {
		return fmt.Errorf("wrapped: %w", &probes.ReasonError{Reason: reason, Degrading: degrading, Err: errors.New(secret)})
	}
}

// Diaries as in TestWhatACheckMakesOfItsProbe, of what takes more than one run.
func TestWhatSeveralRunsMakeOfAVerdict(t *testing.T) {
	tests := map[string]struct {
		check probes.Check
		runs  []run
		want  []string
	}{
		"two lost packets are none": {
			probes.Check{},
			[]run{good, bad, bad, good, hang, bad, good},
			[]string{"503 fail, c pending", "200 pass, c"},
		},
		"three are a failure, and one good run after it no pass": {
			probes.Check{},
			[]run{good, bad, hang, bad, good, bad, good, good},
			[]string{"503 fail, c pending", "200 pass, c", "503 fail, c error", "200 pass, c"},
		},
		"the reason is that of the last run": {
			probes.Check{PassAfter: 99},
			[]run{bad, hang, explode, bad, good},
			[]string{"503 fail, c pending", "503 fail, c error", "503 fail, c timeout", "503 fail, c panic", "503 fail, c error"},
		},
		"the first run decides alone, for good": {
			probes.Check{FailAfter: 5, PassAfter: 5},
			[]run{good, bad, good},
			[]string{"503 fail, c pending", "200 pass, c"},
		},
		"and for bad": {
			probes.Check{FailAfter: 5, PassAfter: 3},
			[]run{bad, good},
			[]string{"503 fail, c pending", "503 fail, c error", "200 pass, c"},
		},
		"what is stuck fails when it has been so for as long": {
			probes.Check{},
			[]run{good, deaf(time.Hour)},
			[]string{"503 fail, c pending", "200 pass, c", "503 fail, c stuck"},
		},
		"a startup check passes at once": {
			probes.Check{Kind: probes.Startup},
			[]run{bad, good},
			[]string{"503 fail starting, c pending", "503 fail starting, c error", "200 pass, c"},
		},
		"liveness is patient as well": {
			probes.Check{Kind: probes.Liveness},
			[]run{good, bad, bad, good, bad, bad, bad, good},
			[]string{"200 pass, c (pending)", "200 pass, c", "503 fail, c error", "200 pass, c"},
		},
		"a reason of its own is public, its error is not": {
			probes.Check{FailAfter: 1, PassAfter: 1},
			[]run{says("read-only", false), good},
			[]string{"503 fail, c pending", "503 fail, c read-only", "200 pass, c"},
		},
		"a degraded one warns at once, from the first run": {
			probes.Check{},
			[]run{says("saturated", true), good, says("saturated", true), says("slow", true), good},
			[]string{"503 fail, c pending", "200 warn, c saturated", "200 pass, c", "200 warn, c saturated", "200 warn, c slow", "200 pass, c"},
		},
		"a degraded one is no failure, and breaks a row of them": {
			probes.Check{},
			[]run{good, bad, bad, says("slow", true), bad, bad, good},
			[]string{"503 fail, c pending", "200 pass, c", "200 warn, c slow", "200 pass, c"},
		},
		"it ends a failure as a pass does": {
			probes.Check{},
			[]run{bad, says("slow", true)},
			[]string{"503 fail, c pending", "503 fail, c error", "200 warn, c slow"},
		},
		"an impact that is degrading warns where it would fail, once it has run": {
			probes.Check{Impact: probes.Degrading, FailAfter: 1, PassAfter: 1},
			[]run{bad, good, hang, good},
			[]string{"503 fail, c pending", "200 warn, c error", "200 pass, c", "200 warn, c timeout", "200 pass, c"},
		},
		"on liveness, too": {
			probes.Check{Kind: probes.Liveness, Impact: probes.Degrading},
			[]run{bad},
			[]string{"200 pass, c (pending)", "200 warn, c error"},
		},
		"a shared check fails open when it has been believed to pass, and not before": {
			probes.Check{Kind: probes.Readiness, Scope: probes.Shared},
			[]run{bad, good, bad, good, good, bad},
			[]string{"503 fail, c pending", "503 fail, c error", "200 pass, c", "200 warn, c error (open)"},
		},
		"one that is degraded does not fail, open or not": {
			probes.Check{Kind: probes.Readiness, Scope: probes.Shared},
			[]run{good, says("saturated", true), bad},
			[]string{"503 fail, c pending", "200 pass, c", "200 warn, c saturated", "200 warn, c error (open)"},
		},
		"no word that would claim that there is no verdict": {
			probes.Check{FailAfter: 1, PassAfter: 1},
			[]run{says("pending", false), says("stale", false), says("suppressed", false), good},
			[]string{"503 fail, c pending", "503 fail, c error", "200 pass, c"},
		},
		"nor on liveness, where pending is green": {
			probes.Check{Kind: probes.Liveness, FailAfter: 1},
			[]run{says("pending", false)},
			[]string{"200 pass, c (pending)", "503 fail, c error"},
		},
		"no word that would break a body": {
			probes.Check{FailAfter: 1, PassAfter: 1},
			[]run{says(`x","y":"`, false), says("", false), says("Upper Case", false), good},
			[]string{"503 fail, c pending", "503 fail, c error", "200 pass, c"},
		},
		"a time-out with a word of its own keeps it": {
			probes.Check{FailAfter: 1, PassAfter: 1},
			[]run{func(context.Context) error {
				return &probes.ReasonError{Reason: "no-quorum", Err: context.DeadlineExceeded}
			}},
			[]string{"503 fail, c pending", "503 fail, c no-quorum"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := quiet(probes.Config{})
				c := test.check
				c.Name, c.Run = "c", inTurn(test.runs...)
				if c.Kind == 0 {
					c.Kind, c.Scope = probes.Readiness, probes.Local
				}
				add(t, set, c)
				require.NoError(t, set.Ready(t.Context()))
				path := "/" + map[probes.Kind]string{probes.Startup: "startup", probes.Readiness: "ready", probes.Liveness: "live"}[c.Kind] + "z"

				diary := watch(t, set, path, time.Second) // nothing runs before Run
				stop := running(t, set)
				synctest.Wait()
				diary = append(diary, watch(t, set, path, 2*time.Minute)...)
				require.Equal(t, test.want, slices.Compact(diary))

				_ = stop()
				time.Sleep(2 * time.Hour) // until what hangs has returned
			})
		})
	}
}

// A verdict that is held against a contrary run has been judged all the same.
func TestAVerdictThatIsHeldDoesNotExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		add(t, set, probes.Check{
			Name: "c", Kind: probes.Readiness, Scope: probes.Local, FailAfter: 1000, Interval: time.Second,
			Run: inTurn(good, bad),
		})
		require.NoError(t, set.Ready(t.Context()))
		stop := running(t, set)
		synctest.Wait()
		require.Equal(t, []string{"200 pass, c"}, watch(t, set, "/readyz", 5*time.Minute))
		require.NoError(t, stop())
	})
}

// A verdict that has expired is red. A run that fails is no reason to hold on to what it
// said before that.
func TestWhatHasExpiredIsDecidedByTheNextRun(t *testing.T) {
	for name, test := range map[string]struct {
		then run
		want string
	}{
		"a failure": {bad, "503 fail, c error"},
		"a pass":    {good, "200 pass, c"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := quiet(probes.Config{})
				add(t, set, probes.Check{Name: "c", Kind: probes.Readiness, Scope: probes.Local, Run: inTurn(good, test.then)})
				require.NoError(t, set.Ready(t.Context()))
				stop := running(t, set)
				synctest.Wait()
				require.NoError(t, stop())
				time.Sleep(time.Minute)
				require.Equal(t, "503 fail, c stale", look(t, set, "/readyz"))
				stop = running(t, set)
				synctest.Wait()
				require.Equal(t, test.want, look(t, set, "/readyz"))
				require.NoError(t, stop())
			})
		})
	}
}

// Pgprobes' usual way down: first it is degraded, then it is gone. Both are said.
func TestADegradedSharedCheckThatFailsIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		set := probes.New(probes.Config{Logger: log.logger()})
		add(t, set, probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Shared, Run: inTurn(good, says("saturated", true), bad)})
		stop := running(t, set)
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		lines := log.lines()
		require.Len(t, lines, 3)
		require.Contains(t, lines[1], `msg="probes: check is degraded" check=db kind=readiness state=warn was=pass reason=saturated`)
		require.Contains(t, lines[2], `msg="probes: shared check fails open" check=db kind=readiness state=warn was=saturated reason=error`)
	})
}

func TestAFailureUnderAnotherIsShownAsSuppressed(t *testing.T) {
	check := func(name string, scope probes.Scope, r run, parents ...string) probes.Check {
		return prompt(probes.Check{Name: name, Kind: probes.Readiness, Scope: scope, Run: r, DependsOn: parents})
	}
	const local, shared = probes.Local, probes.Shared
	tests := map[string]struct {
		checks []probes.Check
		want   string
	}{
		"the cause stands alone": {
			[]probes.Check{check("db", local, bad), check("orders", local, bad, "db")},
			"503 fail, db error, orders suppressed",
		},
		"and so it does for all below": {
			[]probes.Check{check("db", local, bad), check("orders", local, bad, "db"), check("stock", local, bad, "orders")},
			"503 fail, db error, orders suppressed, stock suppressed",
		},
		"one that passes is not spoken for": {
			[]probes.Check{check("db", local, bad), check("orders", local, good, "db")},
			"503 fail, db error, orders",
		},
		"one whose parent passes speaks for itself": {
			[]probes.Check{check("db", local, good), check("orders", local, bad, "db")},
			"503 fail, db, orders error",
		},
		"one of several parents is enough": {
			[]probes.Check{check("db", local, good), check("mq", local, hang), check("orders", local, bad, "db", "mq")},
			"503 fail, db, mq timeout, orders suppressed",
		},
		"a suppressed failure counts": {
			[]probes.Check{check("db", shared, inTurn(good, bad)), check("orders", shared, bad, "db")},
			"503 fail, db error (open), orders suppressed", // orders has never passed
		},
		"and fails open as any other does": {
			[]probes.Check{check("db", shared, inTurn(good, bad)), check("orders", shared, inTurn(good, bad), "db")},
			"200 warn, db error (open), orders suppressed (open)",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := quiet(probes.Config{})
				add(t, set, test.checks...)
				require.NoError(t, set.Ready(t.Context()))
				stop := running(t, set)
				time.Sleep(20 * time.Second)
				require.Equal(t, test.want, look(t, set, "/readyz"))
				require.NoError(t, stop())
			})
		})
	}
}

// When the cause has gone, what still fails has to be said.
func TestWhatOutlivesItsCauseIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		set := probes.New(probes.Config{Logger: log.logger()})
		gate, err := set.Gate("vpn", probes.Readiness)
		require.NoError(t, err)
		add(t, set, prompt(probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Local, DependsOn: []string{"vpn"}, Run: bad}))
		stop := running(t, set)
		time.Sleep(time.Minute)
		gate.Open()
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		lines := log.lines()
		require.Len(t, lines, 3)
		require.Contains(t, lines[2], `level=WARN msg="probes: check fails" check=db`)
	})
}

func TestWhatIsSuppressedIsNoWarningInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		set := probes.New(probes.Config{Logger: log.logger()})
		gate, err := set.Gate("vpn", probes.Readiness)
		require.NoError(t, err)
		gate.Fail(errors.New("no route"))
		add(t, set, prompt(probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Local, DependsOn: []string{"vpn"}, Run: bad}))
		stop := running(t, set)
		synctest.Wait()
		require.NoError(t, stop())
		require.Equal(t, []string{
			`level=WARN msg="probes: gate fails" gate=vpn kind=readiness reason=error err="no route"`,
			`level=INFO msg="probes: check fails, as does what it depends on" check=db kind=readiness state=fail was=pending ` +
				`depends_on=vpn reason=error err="` + secret + `"`,
		}, log.lines())
	})
}
