package watchdog_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/probes"
	"github.com/handover-go/handover/probes/watchdog"
)

// event is something that happens to a heartbeat or to its watchdog.
type event struct {
	at   time.Duration
	what string // beat, pause, run, stop
}

func TestAHeartbeat(t *testing.T) {
	beats := func(from, until time.Duration) []event {
		var events []event
		for at := from; at < until; at += limit / 2 {
			events = append(events, event{at, "beat"})
		}
		return events
	}
	const (
		ms  = time.Millisecond
		off = 5 * ms // ticks come every 20 ms; all else happens in between
	)
	tests := map[string]struct {
		events []event
		want   []string // when the verdict changed
	}{
		"of a loop that turns is alive, and late after the limit if it hangs": {
			append([]event{{0, "run"}}, beats(off, time.Minute)...),
			[]string{"0s alive", "1m0.53s late"},
		},
		"that comes late makes it alive at once": {
			[]event{{0, "run"}, {off, "beat"}, {3*time.Second + off, "beat"}},
			[]string{"0s alive", "1.03s late", "3.01s alive", "4.03s late"},
		},
		"is not judged before the first beat": {
			[]event{{0, "run"}, {time.Minute + off, "beat"}},
			[]string{"0s alive", "1m1.03s late"},
		},
		"with a beat where it is made is judged from the beginning of Run": {
			[]event{{0, "beat"}, {500 * ms, "run"}},
			[]string{"0s alive", "1.53s late"},
		},
		"is not judged while it is paused": {
			[]event{{0, "run"}, {off, "beat"}, {200*ms + off, "pause"}, {time.Minute + off, "beat"}},
			[]string{"0s alive", "1m1.03s late"},
		},
		"is not judged any more when its loop has ended": {
			[]event{{0, "run"}, {off, "beat"}, {2*time.Second + off, "pause"}, {time.Minute, "pause"}},
			[]string{"0s alive", "1.03s late", "2.01s alive"},
		},
		"that nobody watches fails, beaten or not": {
			beats(0, 10*time.Second),
			[]string{"0s alive", "1.01s unwatched"},
		},
		"that nobody watches fails, paused or not": {
			[]event{{10 * time.Second, "pause"}},
			[]string{"0s alive", "1.01s unwatched"},
		},
		"that is watched too late is judged from then on": {
			[]event{{0, "beat"}, {time.Minute, "run"}},
			[]string{"0s alive", "1.01s unwatched", "1m0.01s alive", "1m1.03s late"},
		},
		"stays alive after Run": {
			[]event{{0, "run"}, {off, "beat"}, {500*ms + off, "stop"}, {time.Minute, "stop"}},
			[]string{"0s alive"},
		},
		"stays late after Run, until it beats": {
			[]event{{0, "run"}, {off, "beat"}, {2*time.Second + off, "stop"}, {time.Minute + off, "beat"}},
			[]string{"0s alive", "1.03s late", "1m0.01s alive"},
		},
		"goes on being judged when Run is called again": {
			[]event{{0, "run"}, {off, "beat"}, {500*ms + off, "stop"}, {time.Minute, "run"}},
			[]string{"0s alive", "1m0.53s late"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dog := watchdog.New(watchdog.Config{})
				loop := dog.Heartbeat("loop", limit)
				last := test.events[len(test.events)-1].at
				got := make(chan []string)
				go func() { got <- diary(loop.Check(), last+3*time.Second) }()
				play(t, dog, loop, test.events)
				require.Equal(t, test.want, <-got)
			})
		})
	}
}

func play(t *testing.T, dog *watchdog.Dog, loop *watchdog.Heartbeat, events []event) {
	began, stop := time.Now(), func() {}
	t.Cleanup(func() { stop() })
	for _, e := range events {
		time.Sleep(e.at - time.Since(began))
		switch e.what {
		case "beat":
			loop.Beat()
		case "pause":
			loop.Pause()
		case "run":
			stop = background(t.Context(), t, dog.Run)
		case "stop":
			stop()
			stop = func() {}
		}
	}
}

// diary says when the verdict on a check changes. It looks between two ticks.
func diary(check probes.Check, during time.Duration) []string {
	var entries []string
	was := ""
	began, pause := time.Now(), 10*time.Millisecond
	for time.Since(began) < during {
		if is := verdict(check); is != was {
			was = is
			entries = append(entries, fmt.Sprint(time.Since(began), " ", is))
		}
		time.Sleep(pause)
		pause = 20 * time.Millisecond
	}
	return entries
}

// However a beat lies within its tick.
func TestALoopIsNotLateBeforeItsLimitAndSoonAfter(t *testing.T) {
	for _, tick := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
		for _, limit := range []time.Duration{time.Nanosecond, 7 * time.Millisecond, 40 * time.Millisecond, 300 * time.Millisecond} {
			t.Run(fmt.Sprint(tick, " ", limit), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					dog := watchdog.New(watchdog.Config{Tick: tick})
					loop := dog.Heartbeat("loop", limit)
					stop := background(t.Context(), t, dog.Run)
					for range 20 {
						time.Sleep(tick*7/3 + 11*time.Microsecond)
						loop.Beat()
						beaten := time.Now()
						for verdict(loop.Check()) == "alive" {
							time.Sleep(100 * time.Microsecond)
						}
						found := time.Since(beaten)
						require.Greater(t, found, limit)
						require.LessOrEqual(t, found, limit+2*tick+100*time.Microsecond)
					}
					stop()
				})
			})
		}
	}
}

func TestALongLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dog := watchdog.New(watchdog.Config{Tick: 100 * time.Millisecond})
		loop := dog.Heartbeat("loop", 1<<63-1)
		stop := background(t.Context(), t, dog.Run)
		loop.Beat()
		time.Sleep(time.Hour)
		require.Equal(t, "alive", verdict(loop.Check()))
		stop()
	})
}

func TestWhatALateHeartbeatSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dog := watchdog.New(watchdog.Config{})
		loop := dog.Heartbeat("worker-loop", 30*time.Second)
		check := loop.Check()
		require.NoError(t, check.Run(t.Context()))
		time.Sleep(31 * time.Second)
		require.EqualError(t, check.Run(t.Context()), "unwatched: watchdog: check worker-loop: nobody watches: "+
			"the first check was 31s ago, and Run of the watchdog has not begun: make it a component beside the checks")

		stop := background(t.Context(), t, dog.Run)
		loop.Beat()
		time.Sleep(42 * time.Second)
		synctest.Wait()
		require.EqualError(t, check.Run(t.Context()), "late: watchdog: check worker-loop: "+
			"no beat for 41.98s in which the process ran, limit 30s")
		stop()
	})
}

func TestAHeartbeatInASet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dog, health := watchdog.New(watchdog.Config{}), quiet()
		loop, other := dog.Heartbeat("loop", 7*time.Second), dog.Heartbeat("other", time.Hour)
		check := loop.Check()
		check.Interval = time.Second // the fields may be changed
		require.NoError(t, health.Add(check, other.Check()))
		stopHealth, stopDog := background(t.Context(), t, health.Run), background(t.Context(), t, dog.Run)
		loop.Beat()
		other.Beat()
		synctest.Wait()
		alive := `{"status":"pass","checks":{"loop":{"status":"pass"},"other":{"status":"pass"}}}` + "\n"
		require.Equal(t, alive, livez(health))

		time.Sleep(7 * time.Second)
		require.Equal(t, alive, livez(health))
		time.Sleep(2300 * time.Millisecond)
		require.Equal(t, `{"status":"fail","checks":{"loop":{"status":"fail","reason":"late"},"other":{"status":"pass"}}}`+"\n", livez(health))
		loop.Beat()
		time.Sleep(1200 * time.Millisecond)
		require.Equal(t, alive, livez(health), "a single beat is enough")

		stopDog()
		stopHealth()
	})
}

func TestBeatAndCheckDoNotAllocate(t *testing.T) {
	dog := watchdog.New(watchdog.Config{})
	loop := dog.Heartbeat("loop", time.Hour)
	check := loop.Check()
	stop := background(t.Context(), t, dog.Run)
	waitForATick(dog)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		loop.Pause()
		loop.Beat()
		_ = check.Run(t.Context())
	}))
	stop()
}

func TestEverythingAtOnce(t *testing.T) {
	dog := watchdog.New(watchdog.Config{Tick: time.Millisecond})
	shared := dog.Heartbeat("shared", time.Hour)
	stop := background(t.Context(), t, dog.Run)
	waitForATick(dog)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			own := dog.Heartbeat("own", time.Hour)
			for i := range 1000 {
				for _, h := range []*watchdog.Heartbeat{own, shared} {
					h.Beat()
					if is := verdict(h.Check()); is != "alive" {
						t.Errorf("a heartbeat that beats is %s", is)
					}
					if i%10 == 0 {
						h.Pause()
					}
				}
				if dog.Run(ended(t)) == nil {
					t.Error("it ran twice at the same time")
				}
			}
		})
	}
	all.Wait()
	stop()
}
