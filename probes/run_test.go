package probes_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
)

// watch is the diary of a probe: each reading that differs from the last one.
func watch(t *testing.T, set *probes.Set, path string, d time.Duration) []string {
	t.Helper()
	var diary []string
	for end := time.Now().Add(d); ; time.Sleep(100 * time.Millisecond) {
		if now := look(t, set, path); len(diary) == 0 || diary[len(diary)-1] != now {
			diary = append(diary, now)
		}
		if !time.Now().Before(end) {
			return diary
		}
	}
}

// deaf does not hear that its context has ended.
func deaf(d time.Duration) run {
	return func(context.Context) error { time.Sleep(d); return nil }
}

// A diary of verdicts: a set is sealed, then run for a minute, with a check
// whose runs go as told.
func TestWhatACheckMakesOfItsProbe(t *testing.T) {
	const local, shared = probes.Local, probes.Shared
	tests := map[string]struct {
		kind  probes.Kind
		scope probes.Scope
		run   run
		want  []string
	}{
		"local readiness follows its check": {
			probes.Readiness, local, inTurn(good, bad, good),
			[]string{"503 fail, c pending", "200 pass, c", "503 fail, c error", "200 pass, c"},
		},
		"shared readiness fails closed at first, then open": {
			probes.Readiness, shared, inTurn(bad, good, bad, hang, good),
			[]string{"503 fail, c pending", "503 fail, c error", "200 pass, c", "200 warn, c error (open)", "200 warn, c timeout (open)", "200 pass, c"},
		},
		"shared readiness that never passes": {
			probes.Readiness, shared, bad,
			[]string{"503 fail, c pending", "503 fail, c error"},
		},
		"a shared check that hangs warns, as it is still judged": {
			probes.Readiness, shared, inTurn(good, deaf(time.Hour)),
			[]string{"503 fail, c pending", "200 pass, c", "200 warn, c timeout (open)", "200 warn, c stuck (open)"},
		},
		"a panic is a verdict": {
			probes.Readiness, local, inTurn(explode, good),
			[]string{"503 fail, c pending", "503 fail, c panic", "200 pass, c"},
		},
		"so is the end of its goroutine": {
			probes.Readiness, local, inTurn(vanish, good),
			[]string{"503 fail, c pending", "503 fail, c panic", "200 pass, c"},
		},
		"the error of a time-out has its own reason": {
			probes.Readiness, local, inTurn(hang, good),
			[]string{"503 fail, c pending", "503 fail, c timeout", "200 pass, c"},
		},
		"whatever a check makes of its time-out": {
			probes.Readiness, local, inTurn(sulk, good),
			[]string{"503 fail, c pending", "503 fail, c timeout", "200 pass, c"},
		},
		"a time-out of the check's own": {
			probes.Readiness, local,
			inTurn(func(context.Context) error { return context.DeadlineExceeded }, good),
			[]string{"503 fail, c pending", "503 fail, c timeout", "200 pass, c"},
		},
		"an error that panics when it is looked at": {
			probes.Readiness, local,
			inTurn(func(context.Context) error { return trap{} }, good),
			[]string{"503 fail, c pending", "503 fail, c panic", "200 pass, c"},
		},
		"overstays for a moment only": {
			probes.Readiness, local, inTurn(deaf(1500*time.Millisecond), good),
			[]string{"503 fail, c pending", "503 fail, c timeout", "200 pass, c"},
		},
		"overstays for long, and what it brings is out of date": {
			probes.Readiness, local, inTurn(deaf(17*time.Second), bad),
			[]string{"503 fail, c pending", "503 fail, c timeout", "503 fail, c stuck", "503 fail, c error"},
		},
		"liveness lives until its check fails": {
			probes.Liveness, 0, inTurn(good, bad, good),
			[]string{"200 pass, c (pending)", "200 pass, c", "503 fail, c error", "200 pass, c"},
		},
		"liveness with a check that hangs": {
			probes.Liveness, local, deaf(time.Hour),
			[]string{"200 pass, c (pending)", "503 fail, c timeout", "503 fail, c stuck"},
		},
		"startup passes once, for ever": {
			probes.Startup, 0, inTurn(bad, hang, good, bad),
			[]string{"503 fail starting, c pending", "503 fail starting, c error", "503 fail starting, c timeout", "200 pass, c"},
		},
		"a shared startup check still has to pass": {
			probes.Startup, shared, inTurn(bad, good),
			[]string{"503 fail starting, c pending", "503 fail starting, c error", "200 pass, c"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := quiet(probes.Config{})
				add(t, set, prompt(probes.Check{Name: "c", Kind: test.kind, Scope: test.scope, Run: test.run}))
				require.NoError(t, set.Ready(t.Context()))
				path := map[probes.Kind]string{probes.Startup: "/startupz", probes.Readiness: "/readyz", probes.Liveness: "/livez"}[test.kind]

				diary := watch(t, set, path, time.Minute) // nothing runs before Run
				stop := running(t, set)
				synctest.Wait()
				diary = append(diary, watch(t, set, path, time.Minute)...)
				require.Equal(t, test.want, slices.Compact(diary))

				_ = stop()
				time.Sleep(2 * time.Hour) // until what hangs has returned
			})
		})
	}
}

// trap is an error whose chain cannot be walked.
type trap struct{}

func (trap) Error() string { return secret }
func (trap) Unwrap() error { panic("unwrapped") }

func TestReadinessWaitsForStartup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		var warm atomic.Bool
		add(t, set,
			probes.Check{Name: "cache", Kind: probes.Startup, Interval: time.Second, Run: func(context.Context) error {
				if warm.Load() {
					return nil
				}
				return errors.New("3 of 5")
			}},
			probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Local, Run: good},
		)
		stop := running(t, set)
		synctest.Wait()
		require.Equal(t, "503 fail starting, db", look(t, set, "/readyz"))
		require.NoError(t, set.Ready(t.Context()))
		require.Equal(t, "503 fail starting, db", look(t, set, "/readyz"), "sealed, but not started")
		warm.Store(true)
		require.Equal(t, []string{"503 fail starting, db", "200 pass, db"}, watch(t, set, "/readyz", 2*time.Second))
		require.Equal(t, "200 pass, cache", look(t, set, "/startupz"))
		require.NoError(t, stop())
	})
}

func TestAStartupCheckThatPassedBeforeReadyStillWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		add(t, set, probes.Check{Name: "cache", Kind: probes.Startup, Run: good})
		stop := running(t, set)
		synctest.Wait()
		require.Equal(t, "503 fail starting, cache", look(t, set, "/startupz"))
		require.NoError(t, set.Ready(t.Context()))
		require.Equal(t, "200 pass, cache", look(t, set, "/startupz"))
		require.NoError(t, stop())
	})
}

func TestAStartupCheckIsNotRunAfterItHasPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		var runs int
		add(t, set, probes.Check{Name: "cache", Kind: probes.Startup, Run: func(context.Context) error { runs++; return nil }})
		for range 2 {
			stop := running(t, set)
			time.Sleep(time.Hour)
			require.NoError(t, stop())
		}
		require.Equal(t, 1, runs)
	})
}

func TestOneRunInFlightForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		var runs, inFlight, most atomic.Int32
		add(t, set, probes.Check{Name: "nfs", Kind: probes.Readiness, Scope: probes.Local, Run: func(context.Context) error {
			runs.Add(1)
			most.Store(max(most.Load(), inFlight.Add(1)))
			defer inFlight.Add(-1)
			time.Sleep(time.Hour)
			return nil
		}})
		for range 3 { // not even a later Run of the set starts a second one
			stop := running(t, set)
			time.Sleep(10 * time.Minute)
			require.ErrorContains(t, stop(), "check nfs has not returned")
		}
		require.Equal(t, []int32{1, 1, 1}, []int32{runs.Load(), inFlight.Load(), most.Load()})

		stop := running(t, set)
		time.Sleep(35 * time.Minute)
		require.EqualValues(t, 2, runs.Load(), "once it has returned, it is run again")
		require.EqualValues(t, 1, most.Load())
		require.Error(t, stop())
		time.Sleep(time.Hour)
	})
}

func TestEveryGreenExpires(t *testing.T) {
	tests := map[string]struct {
		check    probes.Check
		lasts    time.Duration
		path     string
		expected []string
	}{
		"local readiness": {
			probes.Check{Kind: probes.Readiness, Scope: probes.Local, Run: good},
			16 * time.Second, "/readyz",
			[]string{"200 pass, c", "503 fail, c stale"},
		},
		"shared readiness as well: it is this instance that does not judge": {
			probes.Check{Kind: probes.Readiness, Scope: probes.Shared, Run: good},
			16 * time.Second, "/readyz",
			[]string{"200 pass, c", "503 fail, c stale"},
		},
		"and a warning": {
			prompt(probes.Check{Kind: probes.Readiness, Scope: probes.Shared, Interval: time.Second, MaxAge: 3 * time.Second, Run: inTurn(good, bad)}),
			3 * time.Second, "/readyz",
			[]string{"200 warn, c error (open)", "503 fail, c stale"},
		},
		"as configured": {
			probes.Check{Kind: probes.Readiness, Scope: probes.Local, Interval: time.Second, Timeout: 10 * time.Millisecond, MaxAge: time.Minute, Run: good},
			time.Minute, "/readyz",
			[]string{"200 pass, c", "503 fail, c stale"},
		},
		"an age for ever": {
			probes.Check{Kind: probes.Readiness, Scope: probes.Local, MaxAge: 1<<63 - 1, Run: good},
			0, "/readyz",
			[]string{"200 pass, c"},
		},
		"not the liveness of a process that is stopping": {
			probes.Check{Kind: probes.Liveness, Run: good},
			0, "/livez",
			[]string{"200 pass, c"},
		},
		"nor what has started": {
			probes.Check{Kind: probes.Startup, Run: good},
			0, "/startupz",
			[]string{"200 pass, c"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := quiet(probes.Config{})
				test.check.Name = "c"
				var last time.Time
				runCheck := test.check.Run
				test.check.Run = func(ctx context.Context) error { last = time.Now(); return runCheck(ctx) }
				add(t, set, test.check)
				require.NoError(t, set.Ready(t.Context()))
				stop := running(t, set)
				time.Sleep(30*time.Second + time.Millisecond)
				require.NoError(t, stop()) // from here on, nobody judges

				time.Sleep(time.Until(last.Add(test.lasts)))
				require.Equal(t, test.expected[0], look(t, set, test.path), "as old as it may be")
				time.Sleep(time.Nanosecond)
				require.Equal(t, test.expected[len(test.expected)-1], look(t, set, test.path))
				require.Equal(t, test.expected[len(test.expected)-1:], watch(t, set, test.path, time.Minute))
			})
		})
	}
}

func TestEachCheckExpiresAtItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		add(t, set,
			probes.Check{Name: "a", Kind: probes.Readiness, Scope: probes.Local, Interval: time.Second, Run: good},
			probes.Check{Name: "b", Kind: probes.Readiness, Scope: probes.Local, Interval: time.Minute, Run: good},
		)
		require.NoError(t, set.Ready(t.Context()))
		stop := running(t, set)
		synctest.Wait()
		require.NoError(t, stop())
		require.Equal(t, []string{"200 pass, a, b", "503 fail, a stale, b", "503 fail, a stale, b stale"},
			watch(t, set, "/readyz", 5*time.Minute))

		stop = running(t, set)
		synctest.Wait()
		require.Equal(t, "200 pass, a, b", look(t, set, "/readyz"), "and fresh again")
		require.NoError(t, stop())
	})
}

func TestAnExpiredAnswerIsJudgedOnceNotAtEveryProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := green(t)
		time.Sleep(time.Hour + time.Nanosecond)
		probe := prober(set)
		probe()
		require.Zero(t, testing.AllocsPerRun(100, probe))
		require.Contains(t, look(t, set, "/readyz"), "503 fail, check-0 stale, check-1 stale")
	})
}

// stalled is a log that takes no more records, until it is released.
type stalled struct{ released chan struct{} }

func (s stalled) Write(p []byte) (int, error) { <-s.released; return len(p), nil }

func TestASchedulerThatHangsKeepsNothingGreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := stalled{make(chan struct{})}
		set := probes.New(probes.Config{Logger: slog.New(slog.NewTextHandler(log, nil))})
		add(t, set, probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Local, Run: good})
		require.NoError(t, set.Ready(t.Context()))
		stop := running(t, set)
		synctest.Wait() // the check has passed, and hangs in the record that says so
		require.Equal(t, "200 pass, db", look(t, set, "/readyz"))
		time.Sleep(16 * time.Second)
		require.Equal(t, "200 pass, db", look(t, set, "/readyz"))
		time.Sleep(time.Nanosecond)

		require.Equal(t, "503 fail, db stale", look(t, set, "/readyz"))
		require.NoError(t, set.Drain(t.Context()))
		require.Equal(t, "503 fail draining, db stale", look(t, set, "/readyz"))
		close(log.released)
		require.NoError(t, stop())
	})
}

func TestOneLogRecordPerTransition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		set := probes.New(probes.Config{Logger: log.logger()})
		add(t, set, prompt(probes.Check{
			Name: "db", Kind: probes.Readiness, Scope: probes.Shared, Interval: time.Second, MaxAge: 3 * time.Second,
			Run: inTurn(bad, bad, bad, good, good, bad, explode, bad, good, deaf(10*time.Second), good),
		}))
		stop := running(t, set)
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		time.Sleep(time.Minute)
		stop = running(t, set)
		synctest.Wait()
		require.NoError(t, stop())

		const (
			db  = ` check=db kind=readiness`
			err = ` err="dial postgres://app:s3cret@db.internal:5432"`
		)
		require.Equal(t, []string{
			`level=WARN msg="probes: check fails"` + db + ` state=fail was=pending reason=error` + err,
			`level=INFO msg="probes: check passes"` + db + ` state=pass was=error`,
			`level=WARN msg="probes: shared check fails open"` + db + ` state=warn was=pass reason=error` + err,
			`level=INFO msg="probes: check passes"` + db + ` state=pass was=error`,
			`level=WARN msg="probes: shared check fails open"` + db + ` state=warn was=pass reason=timeout err="no answer within 1s"`,
			`level=WARN msg="probes: check is stuck"` + db + ` state=warn was=timeout err="it has not returned, and is not run again until it has"`,
			`level=INFO msg="probes: check passes"` + db + ` state=pass was=stuck`,
			`level=INFO msg="probes: check passes"` + db + ` state=pass was=stale`,
		}, log.lines())
	})
}

func TestAPanicLeavesItsStackInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		set := probes.New(probes.Config{Logger: log.logger()})
		add(t, set, probes.Check{Name: "db", Kind: probes.Liveness, Run: explode})
		stop := running(t, set)
		synctest.Wait()
		require.NoError(t, stop())
		require.Contains(t, log.lines()[0], "panic: "+secret)
		require.Contains(t, log.lines()[0], "probes_test.explode")
	})
}

func TestRunsAreSpacedAndOutOfStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		var starts []time.Duration
		began := time.Now()
		add(t, set, probes.Check{
			Name: "db", Kind: probes.Readiness, Scope: probes.Local, Interval: 10 * time.Second,
			Run: func(context.Context) error { starts = append(starts, time.Since(began)); return nil },
		})
		stop := running(t, set)
		time.Sleep(time.Hour)
		require.NoError(t, stop())

		require.Zero(t, starts[0], "the first at once")
		require.InDelta(t, 360, len(starts), 40)
		gaps := map[time.Duration]bool{}
		for i := range len(starts) - 1 {
			gap := starts[i+1] - starts[i]
			require.InDelta(t, 10, gap.Seconds(), 1)
			gaps[gap] = true
		}
		require.Greater(t, len(gaps), 100, "no two instances stay in step")
	})
}

func TestChecksAreAddedWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		check := func(name string, r run) probes.Check {
			return probes.Check{Name: name, Kind: probes.Readiness, Scope: probes.Local, Run: r}
		}
		require.NoError(t, set.Ready(t.Context()))
		stop := running(t, set)
		synctest.Wait()
		require.Equal(t, "200 pass", look(t, set, "/readyz"))

		adds := func(context.Context) error {
			time.Sleep(time.Millisecond) // it is in flight while the test looks
			return set.Add(check("b", good))
		}
		add(t, set, check("a", inTurn(adds, good)))
		require.Equal(t, "503 fail, a pending", look(t, set, "/readyz"))
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.Equal(t, "200 pass, a, b", look(t, set, "/readyz"), "and by a check")
		require.NoError(t, stop())

		add(t, set, check("c", good))
		synctest.Wait()
		require.Equal(t, "503 fail, a, b, c pending", look(t, set, "/readyz"), "nothing runs after Run")
		stop = running(t, set)
		synctest.Wait()
		require.Equal(t, "200 pass, a, b, c", look(t, set, "/readyz"), "but when it is run again")
		require.NoError(t, stop())
	})
}

func TestHowRunEnds(t *testing.T) {
	const timeout = 3 * time.Second
	tests := map[string]struct {
		runs  []run
		after time.Duration // of Run, its context ends
		takes time.Duration // until Run returns
		want  string
	}{
		"nothing in flight":             {[]run{good}, time.Second, 0, ""},
		"no check at all":               {nil, time.Second, 0, ""},
		"before it began":               {[]run{deaf(time.Hour)}, -1, 0, ""},
		"what is in flight hears of it": {[]run{hang}, time.Second, 0, ""},
		"what does not hear may finish": {[]run{deaf(2 * time.Second)}, time.Second, time.Second, ""},
		"what overstays is waited for no longer": {
			[]run{good, deaf(time.Hour)},
			time.Second, 2 * time.Second,
			"probes: run: check c1 has not returned: in flight for 3s, time-out 3s",
		},
		"what is stuck is not waited for": {
			[]run{deaf(time.Hour), hang, deaf(2 * time.Hour)},
			20 * time.Second, 0,
			"probes: run: check c0 has not returned: in flight for 20s, time-out 3s\n" +
				"probes: run: check c2 has not returned: in flight for 20s, time-out 3s",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := quiet(probes.Config{})
				for i, r := range test.runs {
					add(t, set, probes.Check{Name: "c" + string(rune('0'+i)), Kind: probes.Readiness, Scope: probes.Local, Timeout: timeout, Interval: time.Hour, Run: r})
				}
				ctx, cancel := context.WithTimeout(t.Context(), test.after)
				defer cancel()
				began := time.Now()
				err := set.Run(ctx)
				require.Equal(t, max(0, test.after)+test.takes, time.Since(began))
				if test.want == "" {
					require.NoError(t, err)
				} else {
					require.EqualError(t, err, test.want)
				}
				time.Sleep(3 * time.Hour)
			})
		})
	}
}

func TestTheEndOfRunIsNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		set := probes.New(probes.Config{Logger: log.logger()})
		add(t, set,
			probes.Check{Name: "loop", Kind: probes.Liveness, Timeout: 10 * time.Second, Run: inTurn(good, hang)},
			probes.Check{Name: "db", Kind: probes.Readiness, Scope: probes.Local, Timeout: 10 * time.Second, Run: inTurn(good, sulk)},
		)
		require.NoError(t, set.Ready(t.Context()))
		stop := running(t, set)
		time.Sleep(8 * time.Second) // both are in flight for the second time
		require.NoError(t, stop())
		require.Equal(t, "200 pass, loop", look(t, set, "/livez"))
		require.Equal(t, "200 pass, db", look(t, set, "/readyz"))
		require.Len(t, log.lines(), 2, "that they passed, and no more")
	})
}

// However long Run waits for what is in flight.
func TestLivenessStaysAsItWasWhileRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		add(t, set,
			probes.Check{Name: "loop", Kind: probes.Liveness, Run: good},
			probes.Check{Name: "lock", Kind: probes.Liveness, Timeout: time.Minute, Run: deaf(time.Hour)},
		)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.Equal(t, "200 pass, lock (pending), loop (pending)", look(t, set, "/livez"))
		ended := make(chan error, 1)
		go func() { ended <- set.Run(ctx) }()
		synctest.Wait()
		require.Equal(t, []string{"200 pass, lock (pending), loop"}, watch(t, set, "/livez", 50*time.Second))
		require.Error(t, <-ended)
		require.Equal(t, []string{"200 pass, lock (pending), loop"}, watch(t, set, "/livez", time.Hour))
	})
}

func TestTheEndOfRunRevivesNoLivenessThatHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := stalled{make(chan struct{})}
		set := probes.New(probes.Config{Logger: slog.New(slog.NewTextHandler(log, nil))})
		add(t, set, probes.Check{Name: "loop", Kind: probes.Liveness, Run: good})
		stop := running(t, set)
		time.Sleep(time.Minute)
		close(log.released)
		require.NoError(t, stop())
		require.Equal(t, "503 fail, loop stale", look(t, set, "/livez"))
	})
}

func TestRunTwiceAtTheSameTimeIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		stop := running(t, set)
		synctest.Wait()
		require.EqualError(t, set.Run(t.Context()), "probes: run: the set runs already: run it once")
		require.NoError(t, stop())
		require.NoError(t, running(t, set)(), "one after the other is fine")
	})
}
