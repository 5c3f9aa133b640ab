package told_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/internal/told"
)

func TestTheNewsReachesEverybodyOnce(t *testing.T) {
	for name, tell := range map[string]func(s *told.Signal, listen func()){
		"who listened before": func(s *told.Signal, listen func()) { listen(); s.Tell() },
		"who listens after":   func(s *told.Signal, listen func()) { s.Tell(); listen() },
		"though told twice":   func(s *told.Signal, listen func()) { listen(); s.Tell(); s.Tell() },
	} {
		t.Run(name, func(t *testing.T) {
			var calls sync.WaitGroup
			s := &told.Signal{Go: calls.Go}
			called := 0
			require.False(t, s.Told())
			tell(s, func() { s.On(func() { called++ }) })
			<-s.C()
			calls.Wait()
			require.Equal(t, 1, called)
			require.True(t, s.Told())
		})
	}
}

func TestACallThatWasTakenBackIsNotMade(t *testing.T) {
	var calls sync.WaitGroup
	s := &told.Signal{Go: calls.Go}
	stop := s.On(func() { t.Error("called") })
	require.True(t, s.Listening())
	require.True(t, stop())
	require.False(t, stop(), "twice")
	s.Tell()
	calls.Wait()
}

func TestACallThatWasMadeCannotBeTakenBack(t *testing.T) {
	var s told.Signal // by the go statement
	called := make(chan struct{})
	before := s.On(func() { called <- struct{}{} })
	s.Tell()
	after := s.On(func() { called <- struct{}{} })
	<-called
	<-called
	require.False(t, before())
	require.False(t, after())
}

func TestListeningIsWhoCouldHear(t *testing.T) {
	var s told.Signal
	require.False(t, s.Listening())
	c := s.C()
	require.True(t, s.Listening())
	s.Forget()
	require.False(t, s.Listening(), "the next request does not")
	s.Tell()
	<-c // who listened is told nevertheless
}

func TestASignalTravelsInAContext(t *testing.T) {
	var s told.Signal
	ctx, cancel := context.WithCancel(told.With(t.Context(), &s))
	cancel()
	require.Same(t, &s, told.From(context.WithoutCancel(ctx)))
	require.Nil(t, told.From(t.Context()))
}

func TestAContextHasASignalOfItsOwnWhenItIsAskedForOne(t *testing.T) {
	type own struct{}
	var calls sync.WaitGroup
	above := &told.Signal{Go: calls.Go}
	ctx := &told.Context{Context: context.WithValue(told.With(t.Context(), above), own{}, "mine")}
	require.Equal(t, "mine", ctx.Value(own{}))
	require.Nil(t, ctx.Asked())
	require.False(t, ctx.Asked().Listening())

	below, cancel := context.WithCancel(ctx)
	s := told.From(below)
	cancel()
	require.Same(t, s, told.From(below), "the same each time")
	require.Same(t, s, ctx.Asked())
	require.NotSame(t, above, s)
	called := false
	s.On(func() { called = true })
	require.False(t, above.Listening())
	s.Tell()
	calls.Wait()
	require.True(t, called, "by whom that of the context above is called")
	require.False(t, above.Told())
}

func TestWhoAskAtTheSameTimeAreToldTogether(t *testing.T) {
	for range 100 {
		ctx := &told.Context{Context: t.Context()}
		var asking sync.WaitGroup
		var signals [4]*told.Signal
		for i := range signals {
			asking.Go(func() { signals[i] = told.From(ctx) })
		}
		asking.Wait()
		for _, s := range signals {
			require.Same(t, ctx.Asked(), s)
		}
	}
}
