package probes_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
)

func TestTheLifeOfAGate(t *testing.T) {
	var log journal
	set := probes.New(probes.Config{Logger: log.logger()})
	gate, err := set.Gate("cache-warm", probes.Startup)
	require.NoError(t, err)
	require.NoError(t, set.Ready(t.Context()))

	var diary []string
	note := func() { diary = append(diary, look(t, set, "/startupz")+" | "+look(t, set, "/readyz")) }
	note()
	gate.Progress(3, 5)
	note()
	gate.Fail(&probes.ReasonError{Reason: "no-snapshot", Err: errors.New(secret)})
	gate.Fail(&probes.ReasonError{Reason: "no-snapshot", Err: errors.New(secret)})
	gate.Fail(nil)
	note()
	gate.Progress(-1, -5)
	note()
	gate.Progress(4, 5)
	note()
	gate.Open()
	note()
	gate.Progress(1, 5) // somebody who has not heard
	gate.Fail(errors.New("too late"))
	gate.Open()
	note()
	require.Equal(t, []string{
		"503 fail starting, cache-warm closed | 503 fail starting",
		"503 fail starting, cache-warm closed 3/5 | 503 fail starting",
		"503 fail starting, cache-warm no-snapshot 3/5 | 503 fail starting",
		"503 fail starting, cache-warm closed | 503 fail starting",
		"503 fail starting, cache-warm closed 4/5 | 503 fail starting",
		"200 pass, cache-warm 5/5 | 200 pass",
		"200 pass, cache-warm 5/5 | 200 pass",
	}, diary)
	require.Equal(t, []string{
		`level=WARN msg="probes: gate fails" gate=cache-warm kind=startup reason=no-snapshot err="no-snapshot: ` + secret + `"`,
		`level=INFO msg="probes: gate is open" gate=cache-warm kind=startup`,
	}, log.lines())
}

func TestAGateOfReadiness(t *testing.T) {
	set := quiet(probes.Config{Delay: -1})
	require.NoError(t, set.Ready(t.Context()))
	require.Equal(t, "200 pass", look(t, set, "/readyz"))
	gate, err := set.Gate("leader", probes.Readiness)
	require.NoError(t, err)
	require.Equal(t, "503 fail, leader closed", look(t, set, "/readyz"))
	require.Equal(t, "200 pass", look(t, set, "/startupz"))
	gate.Open()
	require.Equal(t, "200 pass, leader", look(t, set, "/readyz"))
	require.NoError(t, set.Drain(t.Context()))
	require.Equal(t, "503 fail draining, leader", look(t, set, "/readyz"))
}

// A gate is no verdict that somebody has to renew.
func TestAnOpenGateDoesNotExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := quiet(probes.Config{})
		gate, err := set.Gate("cache", probes.Readiness)
		require.NoError(t, err)
		require.NoError(t, set.Ready(t.Context()))
		gate.Open()
		stop := running(t, set)
		time.Sleep(100 * 24 * time.Hour)
		require.Equal(t, "200 pass, cache", look(t, set, "/readyz"))
		require.NoError(t, stop())
	})
}

func TestAToggleIsSwitchedByAPerson(t *testing.T) {
	var log journal
	set := probes.New(probes.Config{Logger: log.logger(), Delay: -1})
	toggle, err := set.Toggle("maintenance")
	require.NoError(t, err)
	require.NoError(t, set.Ready(t.Context()))
	require.Equal(t, "200 pass, maintenance", look(t, set, "/readyz"))
	toggle.Switch(true)
	toggle.Switch(true)
	require.True(t, toggle.On())
	require.Equal(t, "503 fail, maintenance on", look(t, set, "/readyz"))
	require.Equal(t, "200 pass", look(t, set, "/livez"))
	toggle.Switch(false)
	require.False(t, toggle.On())
	require.Equal(t, "200 pass, maintenance", look(t, set, "/readyz"))
	require.NoError(t, set.Drain(t.Context()))
	toggle.Switch(true)
	toggle.Switch(false)
	require.Equal(t, "503 fail draining, maintenance", look(t, set, "/readyz"), "the drain is above every toggle")
	require.Equal(t, []string{
		`level=WARN msg="probes: toggle is switched" toggle=maintenance on=true`,
		`level=WARN msg="probes: toggle is switched" toggle=maintenance on=false`,
		`level=WARN msg="probes: toggle is switched" toggle=maintenance on=true`,
		`level=WARN msg="probes: toggle is switched" toggle=maintenance on=false`,
	}, log.lines())
}

func TestGatesAndTogglesThatCannotBe(t *testing.T) {
	set := quiet(probes.Config{})
	add(t, set, probes.Check{Name: "db", Kind: probes.Liveness, Run: good})
	gate := func(name string, kind probes.Kind) func() error {
		return func() error {
			g, err := set.Gate(name, kind)
			g.Open() // of one that is not there
			g.Progress(1, 2)
			g.Fail(err)
			return err
		}
	}
	toggle := func(name string) func() error {
		return func() error {
			s, err := set.Toggle(name)
			s.Switch(true)
			require.False(t, s.On())
			return err
		}
	}
	tests := map[string]struct {
		add  func() error
		want string
	}{
		"a gate without a name":      {gate("", probes.Startup), `probes: add gate "": the name must be 1 to 63 of`},
		"a gate whose name is taken": {gate("db", probes.Startup), `probes: add gate "db": there is a check, gate or toggle of that name already`},
		"a gate of liveness":         {gate("x", probes.Liveness), `probes: add gate "x": liveness has no gates: say probes.Startup or probes.Readiness`},
		"a gate of nothing":          {gate("x", 0), `Kind(0) has no gates`},
		"a toggle without a name":    {toggle("A B"), `probes: add toggle "A B": the name must be`},
		"a toggle whose name is taken": {
			toggle("db"), `probes: add toggle "db": there is a check, gate or toggle of that name already`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, test.add(), test.want)
		})
	}
	require.NoError(t, set.Ready(t.Context()))
	_, err := set.Gate("late", probes.Startup)
	require.ErrorContains(t, err, `probes: add gate "late": the startup is over: add it before Ready`)
	require.Equal(t, "200 pass", look(t, set, "/readyz"), "none of them was added")
}

func TestAGateIsTurnedByManyAtOnce(t *testing.T) {
	set := quiet(probes.Config{})
	gate, err := set.Gate("cache", probes.Startup)
	require.NoError(t, err)
	require.NoError(t, set.Ready(t.Context()))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				gate.Progress(j, 50)
				if i == 0 && j == 25 {
					gate.Open()
				}
				look(t, set, "/startupz")
			}
		})
	}
	all.Wait()
	require.Contains(t, look(t, set, "/startupz"), "200 pass, cache")
}
