package heptioprobes_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heptiolabs/healthcheck"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/heptioprobes"
)

// A diary of both endpoints over the life of a program.
func TestTheLifeOfAProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet()
		health := heptioprobes.New(set, prompt(heptioprobes.Config{}))
		var db switched
		db.turn(errSecret)
		health.AddLivenessCheck("loop", good)
		health.AddReadinessCheck("db", db.check)
		warm, err := set.Gate("cache", probes.Startup)
		require.NoError(t, err)
		ready := func(want string) {
			t.Helper()
			require.Equal(t, want, look(t, health, "/ready"))
		}

		ready("503 (readiness) starting, db no data yet, loop no data yet")
		require.Equal(t, "200 loop OK", look(t, health, "/live"), "nobody is killed for what has not begun")
		stop := background(t, set)
		synctest.Wait()
		ready("503 (readiness) starting, db error, loop OK")
		db.turn(nil)
		time.Sleep(10 * time.Second)
		ready("503 (readiness) starting, db OK, loop OK")
		require.NoError(t, set.Ready(t.Context()))
		ready("503 (readiness) starting, db OK, loop OK")
		warm.Open()
		ready("200 db OK, loop OK")

		maintenance, err := set.Toggle("maintenance")
		require.NoError(t, err)
		ready("200 db OK, loop OK, maintenance OK")
		maintenance.Switch(true)
		ready("503 db OK, loop OK, maintenance on")
		maintenance.Switch(false)

		require.NoError(t, set.Drain(t.Context()))
		ready("503 (readiness) draining, db OK, loop OK, maintenance OK")
		require.Equal(t, "200 loop OK", look(t, health, "/live"))
		stop()
		time.Sleep(time.Hour)
		ready("503 (readiness) draining, db stale, loop OK, maintenance OK")
		require.Equal(t, "200 loop OK", look(t, health, "/live"), "it may be draining still")
	})
}

func TestWhatAVerdictIsShownAs(t *testing.T) {
	readiness := func(run func(context.Context) error) probes.Check {
		return probes.Check{Name: "c", Kind: probes.Readiness, Scope: probes.Local, Run: run}
	}
	degrading := func(c probes.Check) probes.Check { c.Impact = probes.Degrading; return c }
	shared := func(c probes.Check) probes.Check { c.Scope, c.FailAfter = probes.Shared, 1; return c }
	runs := 0
	tests := map[string]struct {
		check       probes.Check
		want, texts string
	}{
		"a pass": {
			readiness(func(context.Context) error { return nil }),
			"200 c OK", "200 c OK",
		},
		"a failure": {
			readiness(func(context.Context) error { return errSecret }),
			"503 c error", "503 c " + secret,
		},
		"a failure with a reason": {
			readiness(func(context.Context) error { return &probes.ReasonError{Reason: "read-only", Err: errSecret} }),
			"503 c read-only", "503 c read-only: " + secret,
		},
		"a panic": {
			readiness(func(context.Context) error { panic(secret) }),
			"503 c panic", "503 c panic",
		},
		"a check that hangs": {
			readiness(func(context.Context) error { time.Sleep(time.Hour); return nil }),
			"503 c stuck", "503 c it has not returned, and is not run again until it has",
		},
		"a failure that degrades": {
			degrading(readiness(func(context.Context) error { return errSecret })),
			"200 c OK", "200 c OK",
		},
		"a shared failure, which fails open": {
			shared(readiness(func(context.Context) error {
				if runs++; runs == 1 {
					return nil
				}
				return errSecret
			})),
			"200 c OK", "200 c OK",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := quiet()
				require.NoError(t, set.Add(test.check)) // to the set itself
				require.NoError(t, set.Ready(t.Context()))
				health := heptioprobes.New(set, heptioprobes.Config{})
				texts := heptioprobes.New(set, heptioprobes.Config{ErrorText: true})
				require.Equal(t, "503 c no data yet", look(t, health, "/ready"))
				require.Equal(t, "503 c no data yet", look(t, texts, "/ready"))
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { defer close(ended); _ = set.Run(ctx) }() // an error, if the check hangs
				time.Sleep(time.Minute)
				require.Equal(t, test.want, look(t, health, "/ready"))
				require.Equal(t, test.texts, look(t, texts, "/ready"))
				cancel()
				<-ended
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// With the original it hangs the probe and, as soon as a check is added, every probe
// after it; a panic breaks the connection or, in its Timeout, ends the program.
func TestACheckThatHangsHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet()
		health := heptioprobes.New(set, heptioprobes.Config{})
		runs := 0
		hang := make(chan struct{})
		health.AddReadinessCheck("hangs", func() error {
			runs++
			<-hang
			return nil
		})
		health.AddLivenessCheck("panics", func() error { panic(secret) })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- set.Run(ctx) }()
		require.NoError(t, set.Ready(t.Context()))
		for range 50 {
			time.Sleep(time.Minute)
			require.Equal(t, "503 panics panic", look(t, health, "/live"))
			require.Equal(t, "503 hangs stuck, panics panic", look(t, health, "/ready"))
		}
		health.AddReadinessCheck("added", good) // with the original it waits for ever, and all who ask wait for it
		time.Sleep(time.Minute)
		require.Equal(t, "503 added OK, hangs stuck, panics panic", look(t, health, "/ready"))
		require.Equal(t, 1, runs)
		cancel()
		require.ErrorContains(t, <-ended, "check hangs has not returned")
		close(hang)
		synctest.Wait()
	})
}

// The liveness check that has not been run is told from the one that hangs in its
// first run.
func TestALivenessCheckThatHangsInItsFirstRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet()
		health := heptioprobes.New(set, prompt(heptioprobes.Config{}))
		slow := time.Minute
		health.AddLivenessCheck("loop", func() error { time.Sleep(slow); slow = 0; return nil })
		require.NoError(t, set.Ready(t.Context()))
		stop := background(t, set)
		synctest.Wait()
		require.Equal(t, "503 loop no data yet", look(t, health, "/ready"))
		time.Sleep(10 * time.Second)
		require.Equal(t, "503 loop stuck", look(t, health, "/ready"))
		require.Equal(t, "503 loop stuck", look(t, health, "/live"))
		time.Sleep(time.Minute)
		require.Equal(t, "200 loop OK", look(t, health, "/ready"))
		stop()
	})
}

func TestNobodyRunsTheSet(t *testing.T) {
	set := quiet()
	health := heptioprobes.New(set, heptioprobes.Config{})
	health.AddLivenessCheck("loop", good)
	require.NoError(t, set.Ready(t.Context()))
	require.Equal(t, "503 loop no data yet", look(t, health, "/ready"))
}

// The drain waits for a balancer that asks here and not at the set's own paths.
func TestTheSetKnowsWhoAsks(t *testing.T) {
	set := quiet()
	health := heptioprobes.New(set, heptioprobes.Config{})
	probe := func(method, target string) {
		r := httptest.NewRequest(method, target, nil)
		r.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
		health.ServeHTTP(httptest.NewRecorder(), r)
	}
	probe(http.MethodGet, "/ready")
	require.NoError(t, set.Ready(t.Context()))
	probe(http.MethodGet, "/ready")
	probe(http.MethodGet, "/ready?full=1")
	probe(http.MethodGet, "/live")
	health.LiveEndpoint(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/mine", nil))
	for _, request := range []string{"/", "//ready", "/readyz"} {
		probe(http.MethodGet, request)
	}
	probe(http.MethodHead, "/ready") // is told 405, which is no verdict
	require.NoError(t, set.Drain(t.Context()))
	probe(http.MethodGet, "/ready?full=1")

	type told struct {
		kind  probes.Kind
		agent string
		ok    bool
	}
	counts := map[told]int64{}
	for _, a := range set.Report().Asked {
		counts[told{a.Kind, a.Agent, a.OK}] = a.N
	}
	require.Equal(t, map[told]int64{
		{probes.Readiness, "elb", false}: 2,
		{probes.Readiness, "elb", true}:  2,
		{probes.Liveness, "elb", true}:   1,
		{probes.Liveness, "other", true}: 1,
	}, counts)
}

func TestTheDrainWaitsForABalancerThatAsksHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := probes.New(probes.Config{})
		health := heptioprobes.New(set, heptioprobes.Config{})
		require.NoError(t, set.Ready(t.Context()))
		go func() { // every 2 s, and it leaves at the third failure
			for failures := 0; failures < 3; time.Sleep(2 * time.Second) {
				r := httptest.NewRequest(http.MethodGet, "/ready", nil)
				r.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
				recorder := httptest.NewRecorder()
				health.ServeHTTP(recorder, r)
				if recorder.Code != http.StatusOK {
					failures++
				}
			}
		}()
		time.Sleep(11 * time.Second)
		began := time.Now()
		require.NoError(t, set.Drain(t.Context()))
		require.Equal(t, 5100*time.Millisecond, time.Since(began), "and not the 2 s of a set that nobody asks")
		time.Sleep(time.Minute)
	})
}

func TestASetThatIsNil(t *testing.T) {
	health := heptioprobes.New(nil, heptioprobes.Config{})
	health.AddReadinessCheck("db", good)
	require.Equal(t, "503 (readiness) starting, db no data yet, set refused", look(t, health, "/ready"))
	require.EqualError(t, health.Err(), "heptioprobes: new: the set is nil: give the one that the program runs")
}

func TestPeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet()
		var db switched
		ours := heptioprobes.New(set, prompt(heptioprobes.Config{}))
		ours.AddReadinessCheck("db", db.check)
		ours.AddLivenessCheck("loop", good)
		later := heptioprobes.Peek(set, "cache")
		require.EqualError(t, later(), `heptioprobes: peek "cache": the set has nothing of that name`)
		require.EqualError(t, heptioprobes.Peek(nil, "db")(), `heptioprobes: peek "db": the set is nil`)

		theirs := healthcheck.NewHandler() // somebody else's
		theirs.AddReadinessCheck("db", heptioprobes.Peek(set, "db"))
		require.Equal(t, "503 db no data yet", look(t, theirs, "/ready"))
		require.ErrorIs(t, heptioprobes.Peek(set, "db")(), healthcheck.ErrNoData)
		require.ErrorIs(t, heptioprobes.Peek(set, "loop")(), healthcheck.ErrNoData)

		stop := background(t, set)
		synctest.Wait()
		require.Equal(t, "200 db OK", look(t, theirs, "/ready"))
		db.turn(errSecret)
		time.Sleep(10 * time.Second)
		require.Equal(t, "503 db error", look(t, theirs, "/ready"))
		require.ErrorIs(t, heptioprobes.Peek(set, "db")(), errSecret)

		cache, err := set.Gate("cache", probes.Readiness)
		require.NoError(t, err)
		require.EqualError(t, later(), "closed")
		cache.Open()
		require.NoError(t, later())
		stop()
		time.Sleep(time.Hour)
		stale := heptioprobes.Peek(set, "db")()
		require.EqualError(t, stale, "stale")
		require.NotErrorIs(t, stale, errSecret)
	})
}
