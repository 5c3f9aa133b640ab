package ramp_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/ramp"
)

// pass lets time go by, and everybody come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (p *process) progress() ramp.Progress { return p.Status().Ramps[0] }

func (p *process) waits() string { return strings.Join(p.progress().Waiting, "; ") }

func TestARampFromNothingToAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(0)
		a, b := run(t, s, "a", ramp.Config{}), run(t, s, "b", ramp.Config{})
		pass(5 * time.Minute)
		require.Equal(t, []string{
			"running 0 %: begins at 0 %",
			"running 5 %: step 1 of 3, from 0 to 5 %: nobody has it yet",
			"running 20 %: step 2 of 3, from 5 to 20 %: the guards of 2 instances pass, with 200 requests of the step",
			"running 100 %: step 3 of 3, from 20 to 100 %: the guards of 2 instances pass, with 200 requests of the step",
			"done 100 %: done, at 100 %: the guards of 2 instances pass, with 200 requests of the step",
		}, s.read())
		require.Equal(t, []int{1000, 1000}, []int{a.on(), b.on()})
		require.Equal(t, 4, a.guard.steps, "a guard is told of each step, and of the beginning")
		require.Equal(t, ramp.Done, a.progress().State)
		require.Contains(t, string(s.steps[2].Evidence), `"b":{"State":"passing",`)
		require.NoError(t, a.Check(t.Context()))
	})
}

func TestWhatARampWaitsFor(t *testing.T) {
	number := flags.Int(key, 0)
	other := flags.Bool("other", false)
	for name, c := range map[string]struct {
		share float64
		let   func(t *testing.T, s *store) // something be wrong
		waits string
		right func(s *store) // nil: run
	}{
		"the bake": {share: 5, waits: "it bakes for 25s"},
		"an instance of other code": {
			share: 5, let: func(t *testing.T, s *store) { run(t, s, "b", ramp.Config{Version: "2"}) },
			waits: "2 versions of the code live: 1 (a); 2 (b)",
		},
		"one that does not know the flag": {
			share: 5, let: func(t *testing.T, s *store) {
				runWith(t, s, "b", ramp.Config{Version: "1"}, ramp.Plan{Flag: other}, other)
			},
			waits: "b does not declare the flag",
		},
		"one to which it is something else": {
			share: 5, let: func(t *testing.T, s *store) { run(t, s, "b", ramp.Config{Version: "1"}, number) },
			waits: "b declares the flag as something else",
		},
		"one in which it is killed": {
			share: 5, let: func(t *testing.T, s *store) {
				require.NoError(t, run(t, s, "b", ramp.Config{Version: "1"}).client.Kill(key, "an experiment"))
			},
			waits: "b has the flag killed",
		},
		"one whose guard holds": {
			share: 5, let: func(t *testing.T, s *store) {
				run(t, s, "b", ramp.Config{Version: "1"}).guard.say(guard.Verdict{Least: 1000, Step: 7})
			},
			waits: "the guards have seen 107 requests of the step, of at least 1000",
		},
		"one that lags": {
			share: 0, let: func(t *testing.T, s *store) {
				b := run(t, s, "b", ramp.Config{Version: "1"})
				pass(time.Second)
				b.source.lag(true)
				pass(29 * time.Second)
			},
			waits: "b has not got revision 2 yet, but 1",
		},
		"a flag that is disabled": {
			share: 5, let: func(_ *testing.T, s *store) { s.set(func(s *store) { s.flag.Enabled = false }) },
			waits: "the flag is disabled",
		},
		"a flag that is killed before it has begun": {
			share: 5, let: func(_ *testing.T, s *store) { s.set(func(s *store) { s.flag.Killed, s.flag.Ramp = true, nil }) },
			waits: "the flag is killed",
		},
		"a flag that is not there": {
			share: 5, let: func(_ *testing.T, s *store) { s.set(func(s *store) { s.flag.Key = "" }) },
			waits: "there is no such flag in the set: insert it, with a share of 0 %",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStore(c.share)
				if c.let != nil && strings.HasPrefix(name, "a flag") {
					c.let(t, s)
				}
				a := run(t, s, "a", ramp.Config{Version: "1"})
				if c.let != nil && !strings.HasPrefix(name, "a flag") {
					c.let(t, s)
				}
				pass(35 * time.Second)
				require.Contains(t, a.waits(), c.waits)
				pass(5 * time.Minute)
				if c.waits != "it bakes for 25s" {
					require.LessOrEqual(t, s.share(), 5.0, "it waits for ever")
				} else {
					require.Equal(t, 100.0, s.share())
				}
			})
		})
	}
}

func TestNoStepWhileOneLags(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(5)
		a, b := run(t, s, "a", ramp.Config{}), run(t, s, "b", ramp.Config{})
		pass(30 * time.Second)
		b.source.lag(true)
		pass(10 * time.Minute)
		require.Equal(t, 20.0, s.share(), "one step ahead of the slowest, and no more")
		require.Equal(t, "b has not got revision 2 yet, but 1", a.waits())
		b.source.lag(false)
		pass(10 * time.Minute)
		require.Equal(t, 100.0, s.share())
	})
}

func TestALeaderThatDiesIsFollowed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(0)
		a, b := run(t, s, "a", ramp.Config{}), run(t, s, "b", ramp.Config{})
		pass(30 * time.Second)
		require.Equal(t, "a", b.Status().Leader)
		require.Equal(t, 5.0, s.share())
		a.die()
		pass(20 * time.Second)
		require.Equal(t, "b", b.Status().Leader)
		require.Contains(t, b.waits(), "b has begun to lead")
		pass(10 * time.Minute)
		require.Equal(t, 100.0, s.share())
		require.Len(t, s.steps, 3, "none is repeated, none is skipped")
		require.Contains(t, s.read()[2], "the guards of 1 instances pass")
	})
}

func TestALeaderThatLeavesIsFollowed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(0)
		a, b := run(t, s, "a", ramp.Config{}), run(t, s, "b", ramp.Config{})
		pass(30 * time.Second)
		a.leave()
		require.NoError(t, a.Leave(t.Context()), "twice is legal")
		pass(6 * time.Second)
		require.Equal(t, "b", b.Status().Leader)
		require.Len(t, b.Status().Instances, 1)
	})
}

func TestATripIsTakenInAnyState(t *testing.T) {
	trip := guard.Verdict{State: guard.Tripped, Why: "errors: 9 of 61"}
	for name, prepare := range map[string]func(s *store, a, b *process){
		"while it bakes":      func(*store, *process, *process) {},
		"while it is paused":  func(s *store, _, _ *process) { s.set(func(s *store) { s.flag.Ramp.State = ramp.Paused }) },
		"while one lags":      func(_ *store, a, _ *process) { a.source.lag(true) },
		"when it is done":     func(*store, *process, *process) { pass(10 * time.Minute) },
		"when nobody leads":   func(_ *store, a, _ *process) { a.die() },
		"before it has begun": func(s *store, _, _ *process) { s.set(func(s *store) { s.flag.Ramp = nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStore(5)
				a, b := run(t, s, "a", ramp.Config{}), run(t, s, "b", ramp.Config{})
				pass(20 * time.Second)
				prepare(s, a, b)
				require.NotZero(t, b.on())
				b.guard.say(trip)
				pass(time.Second)
				require.Zero(t, b.on())
				s.mu.Lock()
				require.True(t, s.flag.Killed)
				s.mu.Unlock()
				a.source.lag(false)
				pass(time.Minute)
				if name != "when nobody leads" { // as it is dead
					require.Zero(t, a.on())
				}
				require.Contains(t, s.read(), "b trips its guard has tripped: errors: 9 of 61")

				// A person takes it back, here and there. The guard does not insist, and nothing is widened.
				share := s.share()
				require.NoError(t, b.client.Unkill(key))
				s.set(func(s *store) { s.flag.Killed = false })
				pass(10 * time.Minute)
				require.NotZero(t, b.on())
				require.Equal(t, share, s.share())
			})
		})
	}
}

func TestWithTheStoreAwayNothingIsWidenedAndGuardsKill(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(5)
		a, b := run(t, s, "a", ramp.Config{}), run(t, s, "b", ramp.Config{})
		pass(40 * time.Second)
		s.set(func(s *store) { s.down = true })
		pass(time.Minute)
		require.ErrorContains(t, a.Check(t.Context()), "ramp: the store has not answered for 15s\nramp: meet: the store is down")
		b.guard.say(guard.Verdict{State: guard.Tripped, Why: "errors"})
		pass(time.Second)
		require.Zero(t, b.on(), "killed here")
		require.NotZero(t, a.on(), "and not there: nobody can tell")
		require.ErrorContains(t, b.Check(t.Context()), "a guard has tripped, and the store does not know yet")
		pass(time.Minute)
		s.set(func(s *store) { s.down = false })
		pass(11 * time.Second)
		require.Zero(t, a.on(), "it was told as soon as it could be")
		require.NoError(t, b.Check(t.Context()))
		require.Empty(t, s.steps)
	})
}

// After an outage all leases have ended: the first to come back is not the only one.
func TestAfterAnOutageEverybodyIsHeardFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(5)
		a := run(t, s, "a", ramp.Config{Version: "1"})
		b := run(t, s, "b", ramp.Config{Version: "1"})
		pass(40 * time.Second)
		s.set(func(s *store) { s.down = true })
		pass(time.Minute) // the bake is over
		s.set(func(s *store) {
			s.down = false
			s.leads = time.Time{}
			s.leases = map[string]time.Time{}
		})
		b.source.lag(true)
		pass(10 * time.Minute)
		require.LessOrEqual(t, s.share(), 20.0)
		require.Contains(t, a.waits()+b.waits(), "b has")
	})
}

func TestAHandOnTheDialPauses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(5)
		a := run(t, s, "a", ramp.Config{})
		pass(90 * time.Second)
		require.Equal(t, 20.0, s.share())
		ten := 10.0
		s.set(func(s *store) { s.flag.Percentage = &ten })
		pass(10 * time.Minute)
		require.Equal(t, 10.0, s.share())
		require.Equal(t, "paused, until somebody resumes it: somebody has moved the flag by hand, from 20 to 10 %", a.waits())

		s.set(func(s *store) { s.flag.Ramp.State, s.flag.Ramp.Share = ramp.Running, nil })
		pass(50 * time.Second)
		require.Equal(t, 10.0, s.share(), "the whole bake, before the next step")
		pass(20 * time.Second)
		require.Equal(t, 20.0, s.share())
	})
}

func TestAKillByHandStopsTheRamp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(5)
		a := run(t, s, "a", ramp.Config{})
		pass(30 * time.Second)
		s.set(func(s *store) { s.flag.Killed = true })
		pass(10 * time.Second)
		s.set(func(s *store) { s.flag.Killed = false })
		pass(10 * time.Minute)
		require.Equal(t, 5.0, s.share())
		require.Equal(t, "stopped, until somebody resumes it: the flag has been killed", a.waits())
	})
}

func TestARestartedRampTakesTheSameUsers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(5)
		a := run(t, s, "a", ramp.Config{})
		users := func() (all []int) {
			for i := range 1000 {
				if newCheckout.On(a.client.Pin(t.Context(), flags.Subject{Key: string(rune('A'+i%50)) + strings.Repeat("x", i/50)})) {
					all = append(all, i)
				}
			}
			return all
		}
		pass(time.Second)
		first := users()
		require.NotEmpty(t, first)
		zero := 0.0
		s.set(func(s *store) { s.flag.Percentage, s.flag.Ramp = &zero, nil })
		pass(20 * time.Second)
		require.Equal(t, 5.0, s.share())
		require.Equal(t, first, users())
		pass(time.Minute)
		require.Subset(t, users(), first, "and takes nobody away")
	})
}

func TestAGuardThatPanicsHolds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(5)
		a := run(t, s, "a", ramp.Config{})
		a.guard.mu.Lock()
		a.guard.panics = true
		a.guard.mu.Unlock()
		pass(10 * time.Minute)
		require.Equal(t, 5.0, s.share())
		require.Equal(t, "the guard panics: of the guard", a.progress().Verdicts["a"].Why)
	})
}

func TestBeforeTheFirstAnswerAndAfterTheLastNothingIsWrong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(5)
		s.set(func(s *store) { s.down = true })
		a := run(t, s, "a", ramp.Config{})
		require.NoError(t, a.Check(t.Context()), "it has just been asked")
		pass(time.Minute)
		require.ErrorContains(t, a.Check(t.Context()), "the store has not answered for 15s")
		s.set(func(s *store) { s.down = false })
		pass(time.Minute)
		require.NoError(t, a.Check(t.Context()))
		require.NoError(t, a.Leave(t.Context()))
		pass(time.Minute)
		require.NoError(t, a.Check(t.Context()))
	})
}

func TestWithoutAStoreGuardsKillHere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := passes()
		client := flags.New(flags.Static(`{"flags": {"new-checkout": {"state": "ENABLED",
			"variants": {"on": true, "off": false}, "defaultVariant": "on"}}}`), flags.Config{Logger: silent}, newCheckout)
		require.NoError(t, client.Start(t.Context()))
		m := ramp.New(client, nil, ramp.Config{Logger: silent}, plan(g))
		require.NoError(t, m.Start(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		p := &process{client: client}
		require.Equal(t, 1000, p.on())
		g.say(guard.Verdict{State: guard.Tripped, Why: "errors"})
		pass(time.Second)
		require.Zero(t, p.on())
		require.ErrorContains(t, m.Run(ctx), "running already")
		require.NoError(t, m.Check(ctx))
		require.Equal(t, guard.Tripped, m.Status().Ramps[0].Verdicts[m.Status().ID].State)
		require.NoError(t, m.Leave(ctx))
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestWhatIsWrongIsSaidAtTheStart(t *testing.T) {
	client := flags.New(flags.Static(`{}`), flags.Config{}, newCheckout)
	opens := flags.Bool("opens", true, flags.About{SafeOn: true})
	m := ramp.New(nil, nil, ramp.Config{ID: strings.Repeat("x", 201), TTL: time.Millisecond, Tick: -1},
		ramp.Plan{}, plan(nil), plan(nil), ramp.Plan{Flag: opens},
		ramp.Plan{Flag: flags.Bool("c", false), Steps: []float64{5, 5}, Bake: -1},
		ramp.Plan{Flag: flags.Bool("d", false), Steps: []float64{}},
		ramp.Plan{Flag: flags.Bool("e", false), Steps: []float64{0.0001}},
		ramp.Plan{Flag: flags.Bool("f", false), Steps: []float64{101}})
	err := m.Start(t.Context())
	require.EqualError(t, err, `ramp: start: the ID of Config is "xxxxxxxxxxxxxxxxxxxx"…: take up to 200 bytes of UTF-8, and no zero
Config.TTL is 1ms: take 15s, 100ms at the least
Config.Tick has to be more than none, and a third of TTL at the most
the client is nil: make one with flags.New
plan 1 of New has no flag: declare it with flags.Bool
flag "new-checkout" has two plans: make one of them
flag "opens" is on by default, and off cannot be taken away at once: turn its meaning round
flag "c": Plan.Steps has 5 after 5; instead: steps that ascend
flag "c": Plan.Bake is -1ns: take more than none, or 0 for 10m
flag "d": Plan.Steps has 0 steps; instead: 1 to 100 of them: [5, 20, 50, 100]
flag "e": Plan.Steps has a step of 0.0001 %; instead: three decimals at the most
flag "f": Plan.Steps has a step of 101 %; instead: more than 0, and 100 at the most`)
	require.ErrorContains(t, m.Run(t.Context()), "ramp: run: ")
	var none *store
	require.EqualError(t, ramp.New(client, none, ramp.Config{}, ramp.Plan{Flag: flags.Bool("g", false)}).Start(t.Context()),
		"ramp: start: the store is a nil *ramp_test.store: give nil itself for none\n"+
			"flag \"g\" is none that the client was told of: hand it to flags.New")
	require.NoError(t, m.Leave(t.Context()))
	require.NoError(t, ramp.New(client, nil, ramp.Config{}).Start(t.Context()))
}
