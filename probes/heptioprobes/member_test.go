package heptioprobes_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heptiolabs/healthcheck"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/heptioprobes"
)

// ended is a context with which the original's Async keeps no goroutine.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func vanish() error { runtime.Goexit(); return nil }

// At package level the compiler names what it has inlined after init.
var global = healthcheck.TCPDialCheck("db:5432", time.Second)

func TestWhatIsRefused(t *testing.T) {
	const (
		live  = `heptioprobes: add liveness check "c": `
		ready = `heptioprobes: add readiness check "c": `
		dials = `probes: add check 1, "c": a check that dials (Dials) on liveness restarts this instance when something else is broken: make it a readiness check`
	)
	var db sql.DB
	tests := map[string]struct {
		check       healthcheck.Check
		live, ready string // empty: taken
	}{
		"a function":              {good, "", ""},
		"nil":                     {nil, live + "the check is nil: give a function", ready + "the check is nil: give a function"},
		"GoroutineCountCheck":     {healthcheck.GoroutineCountCheck(100), "", ""},
		"DNSResolveCheck":         {healthcheck.DNSResolveCheck("db", time.Second), live + dials, ""},
		"TCPDialCheck":            {healthcheck.TCPDialCheck("db:5432", time.Second), live + dials, ""},
		"a package's variable":    {global, live + dials, ""},
		"HTTPGetCheck":            {healthcheck.HTTPGetCheck("http://db", time.Second), live + dials, ""},
		"DatabasePingCheck":       {healthcheck.DatabasePingCheck(&db, time.Second), live + dials, ""},
		"a database's own method": {db.Ping, live + dials, ""},
		"GCMaxPauseCheck": {
			healthcheck.GCMaxPauseCheck(time.Second),
			live + "healthcheck.GCMaxPauseCheck remembers one pause for hours, and on liveness restarts this instance for it: make it a readiness check", "",
		},
		"Timeout": {
			healthcheck.Timeout(good, time.Second),
			live + "healthcheck.Timeout leaves a goroutine behind at each run of a check that hangs: give the check itself, a set has its own Timeout",
			ready + "healthcheck.Timeout leaves a goroutine behind at each run of a check that hangs: give the check itself, a set has its own Timeout",
		},
		"Async": {
			healthcheck.Async(vanish, time.Second), // which ends its goroutine
			live + "healthcheck.AsyncWithContext says OK for ever when its check hangs: give the check itself, a set runs it in the background",
			ready + "healthcheck.AsyncWithContext says OK for ever when its check hangs: give the check itself, a set runs it in the background",
		},
		"AsyncWithContext": {
			healthcheck.AsyncWithContext(ended(), good, time.Second),
			live + "healthcheck.AsyncWithContext says OK for ever when its check hangs: give the check itself, a set runs it in the background",
			ready + "healthcheck.AsyncWithContext says OK for ever when its check hangs: give the check itself, a set runs it in the background",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []probes.Kind{probes.Liveness, probes.Readiness} {
				set := quiet()
				require.NoError(t, set.Ready(t.Context()))
				health := heptioprobes.New(set, heptioprobes.Config{})
				add, want := health.AddLivenessCheck, test.live
				if kind == probes.Readiness {
					add, want = health.AddReadinessCheck, test.ready
				}
				add("c", test.check)
				_, adapted := heptioprobes.Adapt(test.check, probes.Check{Name: "c", Kind: kind, Scope: probes.Local})
				if want == "" {
					require.NoError(t, health.Err())
					require.NoError(t, adapted)
					require.Equal(t, "503 c no data yet", look(t, health, "/ready"))
					continue
				}
				require.EqualError(t, health.Err(), want)
				require.Equal(t, "503 c refused", look(t, health, "/ready"))
				require.Equal(t, "200", look(t, health, "/live"), "a mistake is no reason for a restart")
				require.Equal(t, http.StatusServiceUnavailable, ask(set.Handler(), http.MethodGet, "/readyz").Code)
				if !strings.Contains(want, "probes: add") { // by the set, which Adapt does not know
					require.EqualError(t, adapted, strings.Replace(want, fmt.Sprintf("add %v check", kind), "adapt", 1))
				}
			}
		})
	}
}

func TestWhatTheSetMakesOfTheConfig(t *testing.T) {
	set := quiet()
	health := heptioprobes.New(set, heptioprobes.Config{
		Scope: probes.Shared, Interval: -1, Timeout: -2, MaxAge: -3, FailAfter: -4, PassAfter: -5,
	})
	health.AddReadinessCheck("db", good)
	require.EqualError(t, health.Err(), `heptioprobes: add readiness check "db": probes: add check 1, "db": `+
		"FailAfter is -4: give 1 or more, or leave it out for the default; PassAfter is -5: give 1 or more, or leave it out for the default; "+
		"Interval is -1ns: give more than zero and at most 8760h0m0s, or leave it out for the default; "+
		"Timeout is -2ns: give more than zero and at most 8760h0m0s, or leave it out for the default")

	health = heptioprobes.New(set, heptioprobes.Config{Scope: probes.Shared})
	health.AddReadinessCheck("cache", good)
	health.AddLivenessCheck("loop", good) // which has no scope
	require.NoError(t, health.Err())
	checks := set.Report().Checks
	require.Equal(t, probes.Shared, checks[1].Scope)
	require.Zero(t, checks[2].Scope)
}

func TestNames(t *testing.T) {
	long := strings.Repeat("x", 70)
	tests := map[string]struct {
		names   []string
		set     string // what the set calls them
		want    string // what the answer says
		refused int
	}{
		"plain ones":             {[]string{"db", "a.b_c-d"}, "db a.b_c-d", "503 a.b_c-d no data yet, db no data yet", 0},
		"any others":             {[]string{"DB Check", "(x)", "--"}, "db-check x --", "503 (x) no data yet, -- no data yet, DB Check no data yet", 0},
		"nothing in them":        {[]string{"", "!", "кэш"}, "check check-2 check-3", "503  no data yet, ! no data yet, кэш no data yet", 0},
		"too long":               {[]string{long, long + "y"}, long[:63] + " " + long[:61] + "-2", "503 " + long + " no data yet, " + long + "y no data yet", 0},
		"alike for the set":      {[]string{"DB", "db", "Db"}, "db db-2 db-3", "503 DB no data yet, Db no data yet, db no data yet", 0},
		"invalid UTF-8":          {[]string{"a\xffb"}, "a-b", "503 a\uFFFDb no data yet", 0},
		"the same":               {[]string{"db", "db"}, "db db-2", "503 db no data yet, db-2 refused", 1},
		"the same once more":     {[]string{"db", "db", "db"}, "db db-2", "503 db no data yet, db-2 refused", 1},
		"the set's own":          {[]string{"there"}, "there-2", "503 there-2 refused", 1},
		"that of the whole":      {[]string{"(readiness)"}, "readiness", "503 readiness refused", 1},
		"the set's, by its form": {[]string{"There"}, "there-2", "503 There no data yet", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			set := quiet()
			there, err := set.Gate("there", probes.Readiness)
			require.NoError(t, err)
			there.Open()
			require.NoError(t, set.Ready(t.Context()))
			health := heptioprobes.New(set, heptioprobes.Config{})
			for i, name := range test.names {
				if i%2 == 0 {
					health.AddReadinessCheck(name, good)
				} else {
					health.AddLivenessCheck(name, good)
				}
			}
			var names []string
			for _, c := range set.Report().Checks[1:] {
				names = append(names, c.Name)
			}
			require.Equal(t, test.set, strings.Join(names, " "))
			require.Equal(t, test.want, strings.Replace(strings.Replace(look(t, health, "/ready"), ", there OK", "", 1), "there OK, ", "", 1))
			if test.refused == 0 {
				require.NoError(t, health.Err())
				return
			}
			require.ErrorContains(t, health.Err(), "the name is taken: give each check its own")
			require.Len(t, strings.Split(health.Err().Error(), "\n"), test.refused)
		})
	}
}

func TestEveryMistakeIsKept(t *testing.T) {
	var log strings.Builder
	set := probes.New(probes.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	health := heptioprobes.New(set, heptioprobes.Config{})
	health.AddLivenessCheck("a", nil)
	health.AddReadinessCheck("b", healthcheck.Timeout(good, 1))
	for range 100 {
		health.AddReadinessCheck("b", healthcheck.Timeout(good, 1))
	}
	require.EqualError(t, health.Err(), `heptioprobes: add liveness check "a": the check is nil: give a function
heptioprobes: add readiness check "b": healthcheck.Timeout leaves a goroutine behind at each run of a check that hangs: give the check itself, a set has its own Timeout
the name is taken: give each check its own`)
	require.Len(t, set.Report().Checks, 2)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 2, "one record for each")
	require.Contains(t, lines[0], `msg="probes: gate fails" gate=a kind=readiness reason=refused err="refused: heptioprobes: add liveness check`)
}

func TestAdapt(t *testing.T) {
	own := func(healthcheck.Check) healthcheck.Check { return good }
	c, err := heptioprobes.Adapt(own(nil), probes.Check{Name: "c"})
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, c.Timeout)
	require.False(t, c.Dials)
	require.NoError(t, c.Run(t.Context()))

	c, err = heptioprobes.Adapt(healthcheck.TCPDialCheck("db:5432", time.Second), probes.Check{Name: "c", Timeout: time.Minute, Scope: probes.Shared})
	require.NoError(t, err)
	require.Equal(t, time.Minute, c.Timeout)
	require.Equal(t, probes.Shared, c.Scope)
	require.True(t, c.Dials)
}

// A check that registers a check is a deadlock with the original, and so may be one
// that is slow.
func TestFromWithinACheckAndFromEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet()
		health := heptioprobes.New(set, prompt(heptioprobes.Config{}))
		health.AddReadinessCheck("parent", func() error {
			health.AddLivenessCheck("child", good)
			_ = look(t, health, "/ready")
			return nil
		})
		require.NoError(t, set.Ready(t.Context()))
		stop := background(t, set)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				health.AddReadinessCheck(fmt.Sprintf("Check %d", i%10), good)
				_ = health.Err()
				_ = ask(health, http.MethodGet, "/live?full=1")
				_ = ask(health, http.MethodGet, "/ready?full=1")
			})
		}
		all.Wait()
		time.Sleep(time.Minute)
		refused := health.Err().Error()
		require.Len(t, strings.Split(refused, "\n"), 11, "ten of twenty, and the child that the second run of its parent adds")
		require.Equal(t, "200 child OK", look(t, health, "/live"))
		stop()
	})
}

// Whatever a check is called, the set takes it, and the answer calls it so.
func FuzzNames(f *testing.F) {
	f.Add("db", "DB Check")
	f.Add("", "\xff\xfe")
	f.Add("(readiness)", strings.Repeat("ä", 100))
	f.Add("check-2", "check")
	f.Fuzz(func(t *testing.T, a, b string) {
		set := quiet()
		health := heptioprobes.New(set, heptioprobes.Config{})
		health.AddReadinessCheck(a, good)
		health.AddLivenessCheck(b, good)
		body := look(t, health, "/ready")
		if health.Err() != nil {
			require.Contains(t, health.Err().Error(), "the name is taken")
			require.Contains(t, body, " refused")
			return
		}
		require.Contains(t, body, strings.ToValidUTF8(a, "\uFFFD")+" no data yet")
		require.Contains(t, body, strings.ToValidUTF8(b, "\uFFFD")+" no data yet")
		require.Len(t, set.Report().Checks, 2)
	})
}
