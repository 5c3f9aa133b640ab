package ramp_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/guard"
	"github.com/handover-go/handover/flags/ramp"
)

// judged is an instance with a guard of its own, and a judge of all for when it leads.
func judged(t *testing.T, s *store, id string) (*process, *guard.Guard) {
	t.Helper()
	cfg := guard.Config{FalseAlarm: 0.0001, Logger: silent}
	g, err := guard.New(newCheckout, cfg)
	require.NoError(t, err)
	judge, err := guard.NewJudge(cfg)
	require.NoError(t, err)
	return runWith(t, s, id, ramp.Config{}, ramp.Plan{Flag: newCheckout, Steps: []float64{100}, Bake: time.Hour, Guard: g, Fleet: judge}), g
}

// fail has as many requests of an instance fail on the new path.
func (p *process) fail(g *guard.Guard, requests int) {
	for i := range requests {
		ctx := p.client.Pin(context.Background(), flags.Subject{Key: fmt.Sprint(i)})
		old := func(context.Context) (int, error) { return 0, nil }
		_, _ = guard.Do(ctx, g, func(context.Context) (int, error) { return 0, errors.New("no such table") }, old)
	}
}

// Three failures are proof for one guard; two are not.
func TestWhatNoGuardSeesAloneTheySeeTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(100)
		a, ga := judged(t, s, "a")
		b, gb := judged(t, s, "b")
		c, gc := judged(t, s, "c")
		pass(time.Minute)
		a.fail(ga, 2)
		pass(time.Minute)
		require.Equal(t, 1000, a.on())
		s.set(func(s *store) { s.unheard = true }) // whoever is next is not answered, and says it again
		b.fail(gb, 2)
		c.fail(gc, 2)
		pass(20 * time.Second)
		require.Equal(t, []int{0, 0, 0}, []int{a.on(), b.on(), c.on()})
		require.Equal(t, 3, len(s.samples), "each is there once, and of seconds without requests none")
		verdict := a.progress().Verdicts["all together"]
		require.Equal(t, uint64(6), verdict.Metrics[0].New.Failures, "and counts once")
		require.Equal(t, guard.Tripped, verdict.State)
		require.Equal(t, guard.Holding, a.progress().Verdicts["b"].State)
		diary := s.read()
		require.Contains(t, diary[len(diary)-1], "a trips all instances together: errors of the new arm: ")
	})
}

// Who leads next hears of all that there was.
func TestTheNextLeaderJudgesFromTheBeginning(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStore(100)
		a, ga := judged(t, s, "a")
		b, gb := judged(t, s, "b")
		pass(time.Minute)
		a.fail(ga, 2)
		pass(time.Minute)
		a.die()
		b.fail(gb, 2)
		pass(time.Minute)
		require.Equal(t, "b", b.Status().Leader)
		require.Zero(t, b.on())
		require.True(t, strings.HasPrefix(s.read()[1], "b trips all instances together: errors of the new arm: 4 of 4"), s.read())
	})
}

func TestAFleetIsJudgedByWhatGuardsCount(t *testing.T) {
	judge, err := guard.NewJudge(guard.Config{})
	require.NoError(t, err)
	m := ramp.New(nil, nil, ramp.Config{}, ramp.Plan{Flag: newCheckout, Guard: passes(), Fleet: judge})
	require.ErrorContains(t, m.Start(t.Context()), "Plan.Fleet judges what a guard has counted: Plan.Guard has to be a *guard.Guard")
}
