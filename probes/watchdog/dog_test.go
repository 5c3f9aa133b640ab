package watchdog_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes/watchdog"
)

func TestRunRefusesWhatCannotBeMeant(t *testing.T) {
	tests := map[string]struct {
		tick   time.Duration
		limits map[string]time.Duration
		want   string
	}{
		"a negative tick": {
			tick: -1,
			want: "watchdog: run: the tick is -1ns: give 1ms to 100ms, or leave it out for the default",
		},
		"a tick that is all that the process does": {
			tick: time.Millisecond - 1,
			want: "watchdog: run: the tick is 999.999µs: give 1ms to 100ms, or leave it out for the default",
		},
		"a tick that sees no throttling": {
			tick: 101 * time.Millisecond,
			want: "watchdog: run: the tick is 101ms: give 1ms to 100ms, or leave it out for the default",
		},
		"a limit of zero": {
			limits: map[string]time.Duration{"loop": 0},
			want:   `watchdog: run: heartbeat "loop": the limit is 0s: give more than zero, several times what a round of the loop takes`,
		},
		"several mistakes": {
			tick: time.Hour, limits: map[string]time.Duration{"loop": -time.Second, "good": 1},
			want: `watchdog: run: heartbeat "loop": the limit is -1s: give more than zero, several times what a round of the loop takes` + "\n" +
				"the tick is 1h0m0s: give 1ms to 100ms, or leave it out for the default",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dog := watchdog.New(watchdog.Config{Tick: test.tick})
			for name, limit := range test.limits {
				dog.Heartbeat(name, limit)
			}
			for range 2 {
				require.EqualError(t, dog.Run(ended(t)), test.want)
			}
		})
	}
}

// It may be made while Run is at work, which then cannot refuse it.
func TestACheckWithALimitThatCannotBeMeantFails(t *testing.T) {
	loop := watchdog.New(watchdog.Config{}).Heartbeat("loop", -time.Second)
	loop.Beat()
	require.EqualError(t, loop.Check().Run(t.Context()), `invalid: watchdog: check loop: heartbeat "loop": the limit is -1s: `+
		"give more than zero, several times what a round of the loop takes")
}

func TestASecondRun(t *testing.T) {
	dog := watchdog.New(watchdog.Config{})
	stop := background(t.Context(), t, dog.Run)
	waitForATick(dog)
	require.EqualError(t, dog.Run(ended(t)), "watchdog: run: the watchdog runs already: run it once")
	stop()
	require.NoError(t, dog.Run(ended(t)), "after the first it is legal")
}

// ended is a context in which a Run that does not refuse returns at once.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestAZeroDog(t *testing.T) {
	var dog watchdog.Dog
	loop := dog.Heartbeat("loop", time.Hour)
	loop.Beat()
	require.Equal(t, "alive", verdict(loop.Check()))
	stop := background(t.Context(), t, dog.Run)
	waitForATick(&dog)
	stop()
}

func TestChecksThatASetRefuses(t *testing.T) {
	dog, health := watchdog.New(watchdog.Config{}), quiet()
	require.EqualError(t, health.Add(dog.Heartbeat("Loop 1", limit).Check(), watchdog.Lock("orders", nil, -time.Second)),
		`probes: add check 1, "Loop 1": the name must be 1 to 63 of a-z, 0-9, ".", "_" and "-"`+"\n"+
			`probes: add check 2, "orders": Run is nil: give the function to call; `+
			`Timeout is -1s: give more than zero and at most 8760h0m0s, or leave it out for the default`)
	loop := dog.Heartbeat("loop", limit)
	require.NoError(t, health.Add(loop.Check()))
	require.ErrorContains(t, health.Add(loop.Check()), "of that name already")
	require.NoError(t, quiet().Add(loop.Check()), "another set is another matter")
}

// A stop of the process, as far as a bubble can have one: who keeps the clock does
// not get to run. The real thing is TestAProcessThatIsStopped.
type stops struct {
	context.Context
	stop func()
}

func (s stops) Done() <-chan struct{} {
	s.stop()
	return s.Context.Done()
}

func TestWhatIsNotCounted(t *testing.T) {
	const ms = time.Millisecond
	tests := map[string]struct {
		stop func() // before each tick
		want time.Duration
	}{
		"nothing, if all is well": {
			stop: func() {},
			want: 10 * time.Second,
		},
		"nothing, if each tick is late by less than a tick": {
			stop: func() { time.Sleep(19 * ms) },
			want: 10 * time.Second,
		},
		"all of it but two ticks, if nothing runs for a minute": {
			stop: once(time.Minute),
			want: 70*time.Second - 2*20*ms,
		},
		"four fifths, if it gets to run once in 100 ms": {
			stop: func() { time.Sleep(100 * ms) },
			want: 50 * time.Second,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dog := watchdog.New(watchdog.Config{})
				loop := dog.Heartbeat("loop", 10*time.Second)
				stop := background(t.Context(), t, func(ctx context.Context) error { return dog.Run(stops{ctx, test.stop}) })
				loop.Beat()
				began := time.Now()
				for verdict(loop.Check()) == "alive" {
					time.Sleep(5 * ms)
				}
				require.InDelta(t, test.want.Seconds(), time.Since(began).Seconds(), 0.2)
				stop()
			})
		})
	}
}

func once(stop time.Duration) func() {
	return func() {
		time.Sleep(stop)
		stop = 0
	}
}
